package io.metafabric.procs;

import io.metafabric.Explanation;
import io.metafabric.MetadataFabric;
import io.metafabric.Versioned;
import io.metafabric.core.error.RegionUnreachableException;
import io.metafabric.core.version.Version;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Writes and reads of one region, on one thread, each told before it is tried and after it is done;
 * and what such a thread must never see: a value that nobody wrote, or one past its time, something
 * older than what it has seen already, or anything but its own last write where nobody else writes.
 */
final class Workload {
  private static final int SHARED_KEYS = 40;
  private static final int OWN_KEYS = 20;
  private static final int LIVE_SHARE = 10;
  private static final int BURST = 100;

  /** A process that lives for less forgets nothing that was deleted; in fact for a minute. */
  private static final Duration FORGETS_AFTER = Duration.ofSeconds(50);

  private static final String SHARED = "shared/";

  /** What a read of a key must give, where only this thread writes. */
  private record Expected(@Nullable WriteId id, long shownUntilMs, long hiddenFromMs) {
    static final Expected NOTHING = new Expected(null, 0, 0);
  }

  private final MetadataFabric fabric;
  private final String region;
  private final int life;
  private final List<String> keys;
  private final int lastingKeys;
  private final int turnover;
  private final Random random;
  private final Consumer<String> say;
  private final Map<String, Version> seen = new HashMap<>();
  private final Map<String, Expected> expected = new HashMap<>();
  private final long begunNanos = System.nanoTime();
  private long sequence;
  private int turns;

  /**
   * @param turnover so many names of the region's own are given to one record after the other: each
   *     is written, deleted when a tenth of the names have followed, and written again after the
   *     last one; 0 for none
   */
  Workload(
      MetadataFabric fabric,
      String region,
      int life,
      List<String> regions,
      int turnover,
      long seed,
      Consumer<String> say) {
    this.fabric = fabric;
    this.region = region;
    this.life = life;
    this.keys = keys(regions, turnover);
    this.lastingKeys = keys(regions, 0).size();
    this.turnover = turnover;
    this.random = new Random(seed);
    this.say = say;
  }

  /**
   * Those that every region writes, those that one region writes, and then those that come and go.
   */
  static List<String> keys(List<String> regions, int turnover) {
    var keys = new ArrayList<String>();
    for (int i = 0; i < SHARED_KEYS; i++) {
      keys.add(SHARED + i);
    }
    for (String region : regions) {
      for (int i = 0; i < OWN_KEYS; i++) {
        keys.add(region + "/" + i);
      }
    }
    for (String region : regions) {
      for (int i = 0; i < turnover; i++) {
        keys.add(turning(region, i));
      }
    }
    return keys;
  }

  private static String turning(String region, int number) {
    return region + "/turning/" + number;
  }

  private boolean isOwn(String key) {
    return key.startsWith(region + "/");
  }

  private String anyToWrite() {
    return random.nextBoolean()
        ? SHARED + random.nextInt(SHARED_KEYS)
        : region + "/" + random.nextInt(OWN_KEYS);
  }

  void step() {
    int dice = random.nextInt(1000);
    String key = anyToWrite();
    if (dice < 350) {
      read(anyToRead());
    } else if (dice < 600) {
      write(key, value -> Optional.of(fabric.put(key, value)));
    } else if (dice < 680) {
      brief(key);
    } else if (dice < 720) {
      write(key, value -> Optional.of(fabric.put(key, value, Duration.ofDays(1))));
    } else if (dice < 820) {
      replace(key);
    } else if (dice < 880) {
      write(key, value -> fabric.putIfAbsent(key, value));
    } else if (dice < 950) {
      remove(key);
    } else if (dice < 998) {
      turn();
    } else {
      burst();
    }
    if (random.nextInt(4) == 0) {
      read(key);
    }
    LockSupport.parkNanos(random.nextInt(2_000_000));
  }

  private String anyToRead() {
    return keys.get(random.nextInt(random.nextInt(4) > 0 ? lastingKeys : keys.size()));
  }

  /** A record comes, and one that has been there for long goes. */
  private void turn() {
    if (turnover > 0) {
      String next = turning(region, turns % turnover);
      write(next, value -> Optional.of(fabric.put(next, value)));
      remove(turning(region, Math.floorMod(turns - turnover / LIVE_SHARE, turnover)));
      turns++;
    }
  }

  private WriteId tries(String key, Effect effect) {
    var id = new WriteId(life, ++sequence);
    say.accept("TRY " + id + " " + key + " " + effect);
    return id;
  }

  private void write(String key, Function<byte[], Optional<Version>> operation) {
    WriteId id = tries(key, Effect.VALUE);
    written(id, key, operation.apply(Values.of(id, key)));
  }

  private void written(WriteId id, String key, Optional<Version> version) {
    acknowledge(id, key, version, new Expected(id, Long.MAX_VALUE, Long.MAX_VALUE));
  }

  private void brief(String key) {
    WriteId id = tries(key, Effect.BRIEF);
    int forMs = 50 + random.nextInt(1500);
    byte[] value = Values.of(id, key);
    long beforeMs = System.currentTimeMillis();
    Version version = fabric.put(key, value, Duration.ofMillis(forMs));
    long afterMs = System.currentTimeMillis();
    acknowledge(id, key, Optional.of(version), new Expected(id, beforeMs + forMs, afterMs + forMs));
  }

  private void replace(String key) {
    Optional<Versioned> now = read(key);
    if (now.isPresent()) {
      write(key, value -> fabric.replace(key, now.get().version(), value));
    }
  }

  private void remove(String key) {
    WriteId id = tries(key, Effect.NOTHING);
    if (!fabric.remove(key)) {
      say.accept("NO " + id);
      Expected own = expected.get(key);
      if (own != null && own.id != null && own.shownUntilMs == Long.MAX_VALUE) {
        throw new IllegalStateException("remove saw nothing of " + key + ", should see " + own);
      }
      return;
    }
    // Remove does not return its version; where another region's came at once, it covers ours.
    Explanation known = fabric.explain(key);
    Version version = known.version().orElseThrow();
    if (known.deleted() && known.writtenIn().equals(Optional.of(region))) {
      acknowledge(id, key, Optional.of(version), Expected.NOTHING);
    } else {
      say.accept("UNDER " + id + " " + KeyState.text(version));
      seen.put(key, version);
    }
  }

  /** Many at once, which are acknowledged together. */
  private void burst() {
    var ids = new ArrayList<WriteId>();
    var burstKeys = new ArrayList<String>();
    var writing = new ArrayList<CompletableFuture<Version>>();
    for (int i = 0; i < BURST; i++) {
      String key = anyToWrite();
      WriteId id = tries(key, Effect.VALUE);
      ids.add(id);
      burstKeys.add(key);
      writing.add(fabric.putAsync(key, Values.of(id, key)));
    }
    for (int i = 0; i < BURST; i++) {
      written(ids.get(i), burstKeys.get(i), Optional.of(writing.get(i).join()));
    }
  }

  private void acknowledge(WriteId id, String key, Optional<Version> version, Expected then) {
    if (version.isEmpty()) {
      say.accept("NO " + id);
      return;
    }
    say.accept("ACK " + id + " " + KeyState.text(version.get()));
    seen.put(key, version.get());
    if (isOwn(key)) {
      expected.put(key, then);
    }
  }

  private Optional<Versioned> read(String key) {
    long beforeMs = System.currentTimeMillis();
    Optional<Versioned> got;
    try {
      got = fabric.get(key);
    } catch (RegionUnreachableException e) {
      say.accept("UNREACHABLE");
      return Optional.empty();
    }
    long afterMs = System.currentTimeMillis();
    WriteId id = got.map(value -> Values.idOf(value.bytes(), key)).orElse(null);
    if (id != null) {
      say.accept("READ " + id);
    }
    if (got.isPresent()
        && got.get().expiresAt().map(at -> at.toEpochMilli() < beforeMs).orElse(false)) {
      throw new IllegalStateException("read past its time: " + got.get());
    }
    if (!got.map(Versioned::isStale).orElse(false)) {
      requireNothingOlder(key, got);
    }
    requireOwn(key, id, beforeMs, afterMs);
    return got;
  }

  private void requireNothingOlder(String key, Optional<Versioned> got) {
    // What is out of date says so, and is no worse than none: its successor is known, not at hand.
    Version now =
        got.filter(value -> !value.isStale())
            .map(Versioned::version)
            .or(() -> fabric.explain(key).version())
            .orElse(null);
    Version last = seen.get(key);
    if (last != null && !mayFollow(now, last)) {
      throw new IllegalStateException(key + " was " + last + " and then " + now);
    }
    if (now != null) {
      seen.put(key, now);
    } else {
      seen.remove(key);
    }
  }

  private boolean mayFollow(@Nullable Version now, Version last) {
    if (now == null) {
      // It was deleted meanwhile, and that was forgotten.
      return System.nanoTime() - begunNanos > FORGETS_AFTER.toNanos();
    }
    // After many openings not all is named that was seen.
    return now.covers(last.dot()) || now.isLaterThan(last);
  }

  private void requireOwn(String key, @Nullable WriteId id, long beforeMs, long afterMs) {
    Expected own = expected.get(key);
    if (own == null) {
      return;
    }
    boolean right = id == null ? own.id == null || afterMs >= own.shownUntilMs : id.equals(own.id);
    if (!right || (id != null && beforeMs > own.hiddenFromMs)) {
      throw new IllegalStateException(
          key + " gave " + id + " between " + beforeMs + " and " + afterMs + ", not " + own);
    }
  }
}
