package io.metafabric.predict;

import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.AccessEvent.Outcome;
import io.metafabric.core.record.RegionName;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Takes note of reads without ever holding one up: a full or contended stripe drops the note and
 * counts it. Any thread records, one drains.
 *
 * <p>The stripe follows from the client, so that one client's reads stay in order.
 */
public final class AccessRing {
  private static final int STRIPES = 16;
  private static final int SLOTS = 1024;

  private final RegionName region;
  private final Stripe[] stripes = new Stripe[STRIPES];
  private volatile long nowMs;

  public AccessRing(RegionName region) {
    this.region = region;
    for (int i = 0; i < STRIPES; i++) {
      stripes[i] = new Stripe();
    }
  }

  /** The time that reads are noted with from now on: epoch milliseconds. */
  public void setNow(long wallMs) {
    nowMs = wallMs;
  }

  /**
   * Notes a read, or drops it; never waits, allocates nothing.
   *
   * @param client null takes the calling thread for a client of its own
   */
  public void record(@Nullable String client, String key, Outcome outcome) {
    long thread = client == null ? Thread.currentThread().getId() : 0;
    int hash = client == null ? Long.hashCode(thread) : client.hashCode();
    int mixed = hash * 0x9e3779b9;
    stripes[mixed >>> 28].record(client, thread, key, outcome, nowMs);
  }

  /** Takes up to about {@code max} notes out, one client's in the order of its reads. */
  public List<AccessEvent> drain(int max) {
    var events = new ArrayList<AccessEvent>();
    for (Stripe stripe : stripes) {
      if (events.size() >= max) {
        break;
      }
      stripe.drainInto(events, region);
    }
    return events;
  }

  public long recorded() {
    long sum = 0;
    for (Stripe stripe : stripes) {
      sum += stripe.recorded.get();
    }
    return sum;
  }

  public long dropped() {
    long sum = 0;
    for (Stripe stripe : stripes) {
      sum += stripe.dropped.get();
    }
    return sum;
  }

  /** Guarded by a lock that is only ever tried. */
  private static final class Stripe {
    private final AtomicInteger busy = new AtomicInteger();
    private final AtomicLong dropped = new AtomicLong();
    private final @Nullable String[] clients = new String[SLOTS];
    private final long[] threads = new long[SLOTS];
    private final @Nullable String[] keys = new String[SLOTS];
    private final @Nullable Outcome[] outcomes = new Outcome[SLOTS];
    private final long[] times = new long[SLOTS];
    private int size;
    private final AtomicLong recorded = new AtomicLong();

    void record(@Nullable String client, long thread, String key, Outcome outcome, long atMs) {
      if (!busy.compareAndSet(0, 1)) {
        dropped.incrementAndGet();
        return;
      }
      int slot = size;
      if (slot == SLOTS) {
        busy.set(0);
        dropped.incrementAndGet();
        return;
      }
      clients[slot] = client;
      threads[slot] = thread;
      keys[slot] = key;
      outcomes[slot] = outcome;
      times[slot] = atMs;
      size = slot + 1;
      busy.setRelease(0);
    }

    void drainInto(List<AccessEvent> events, RegionName region) {
      // The drainer may wait: a recorder holds the stripe for a few stores only.
      while (!busy.compareAndSet(0, 1)) {
        Thread.onSpinWait();
      }
      try {
        for (int i = 0; i < size; i++) {
          String key = keys[i];
          Outcome outcome = outcomes[i];
          if (key != null && outcome != null) {
            String client = clients[i];
            events.add(
                new AccessEvent(
                    client == null ? "thread-" + threads[i] : client,
                    key,
                    region,
                    times[i],
                    outcome));
          }
          keys[i] = null;
          clients[i] = null;
        }
        recorded.addAndGet(size);
        size = 0;
      } finally {
        busy.set(0);
      }
    }
  }
}
