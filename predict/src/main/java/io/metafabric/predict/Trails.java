package io.metafabric.predict;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where each client stands: its last keys, and whether it has read since it was last asked about.
 * Bounded in bytes; the clients that have been silent for longest are forgotten. Not thread-safe.
 */
final class Trails {
  static final int DEPTH = 2;

  /** Map entry, trail, its array and its place in a list. */
  private static final int BYTES_PER_CLIENT = 160;

  private final long maxBytes;
  private final LinkedHashMap<String, Trail> byClient = new LinkedHashMap<>(16, 0.75f, true);
  private final List<Trail> active = new ArrayList<>();
  private long bytes;
  private long forgotten;

  /** One client's last keys. */
  static final class Trail {
    private final String client;
    private final List<String> newestFirst = new ArrayList<>(DEPTH);
    private boolean active;
    private boolean forgotten;

    private Trail(String client) {
      this.client = client;
    }

    String client() {
      return client;
    }

    List<String> newestFirst() {
      return newestFirst;
    }
  }

  Trails(long maxBytes) {
    this.maxBytes = maxBytes;
  }

  /** A client has read, and is to be asked about. */
  void append(String client, String key) {
    Trail trail = place(client, key);
    if (!trail.active && !trail.forgotten) {
      trail.active = true;
      active.add(trail);
    }
  }

  /** Where a client stands; it is not asked about for that. */
  Trail place(String client, String key) {
    Trail trail = byClient.get(client);
    if (trail == null) {
      trail = new Trail(client);
      byClient.put(client, trail);
      bytes += BYTES_PER_CLIENT + HeapSize.atMost(client);
    }
    push(trail, key);
    while (bytes > maxBytes) {
      forgetOldest();
    }
    return trail;
  }

  /** Null if it is not known, or not any more. */
  @Nullable Trail find(String client) {
    return byClient.get(client);
  }

  private void push(Trail trail, String key) {
    List<String> keys = trail.newestFirst;
    if (!keys.isEmpty() && keys.get(0).equals(key)) {
      return;
    }
    if (keys.size() == DEPTH) {
      bytes -= HeapSize.atMost(keys.remove(DEPTH - 1));
    }
    keys.add(0, key);
    bytes += HeapSize.atMost(key);
  }

  private void forgetOldest() {
    var entries = byClient.entrySet().iterator();
    Map.Entry<String, Trail> oldest = entries.next();
    entries.remove();
    Trail trail = oldest.getValue();
    bytes -= BYTES_PER_CLIENT + HeapSize.atMost(trail.client);
    for (String key : trail.newestFirst) {
      bytes -= HeapSize.atMost(key);
    }
    trail.newestFirst.clear();
    trail.forgotten = true;
    forgotten++;
    if (active.size() > 2 * byClient.size() + 16) {
      active.removeIf(gone -> gone.forgotten);
    }
  }

  /**
   * Clients that have read since they were last returned, in the order in which they began to.
   *
   * @param most of the others, each keeps its turn
   */
  List<Trail> takeActive(int most) {
    active.removeIf(trail -> trail.forgotten);
    List<Trail> turn = active.subList(0, Math.min(most, active.size()));
    List<Trail> taken = List.copyOf(turn);
    turn.clear();
    for (Trail trail : taken) {
      trail.active = false;
    }
    return taken;
  }

  long retainedBytes() {
    return bytes;
  }

  /** How many clients have been forgotten to stay within the bound. */
  long forgotten() {
    return forgotten;
  }
}
