package io.metafabric;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.conflict.ConflictRule;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.transport.FreePorts;
import io.metafabric.core.version.Version;
import io.metafabric.history.Event;
import io.metafabric.history.HistoryChecker;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Sessions that go from region to region, over real sockets and disks, where concurrent writes are
 * kept or merged. What a session was shown of a key, wrote, or depends on because its writer had
 * seen it, must be among what it is shown later, or be replaced by some of that.
 *
 * <p>{@link HistoryChecker} holds the versions against it: nothing is deleted here, so of all that
 * is known of a key the version with the latest stamp is never older than before. Beside it each
 * value names the write that it is of, so that what a merge has lost is missed.
 */
class RoamingConflictsTest {
  private static final long SEED = Long.getLong("roaming.seed", 23);
  private static final int WALKERS = 4;
  private static final int STEPS = 120;
  private static final int KEYS = 3;
  private static final Duration LONG = Duration.ofSeconds(30);
  private static final List<String> NAMES = ThreeFabricsTest.REGIONS;

  @TempDir Path directory;

  private final List<Event> history = Collections.synchronizedList(new ArrayList<>());
  private final List<Shown> shown = Collections.synchronizedList(new ArrayList<>());

  /** Who had seen what before a write began, by key. */
  private final Map<String, Map<String, Set<String>>> seenBefore = new ConcurrentHashMap<>();

  private final Map<String, Version> versions = new ConcurrentHashMap<>();

  /** One at a time has regions not hear each other, so that nobody waits in a circle. */
  private final Object network = new Object();

  /** What a read has shown, and what it had to show or something newer. */
  private record Shown(int walker, int step, String key, Set<String> required, Set<String> writes) {
    boolean isConflict() {
      return writes.size() > 1;
    }
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static Set<String> lines(String text) {
    return new TreeSet<>(List.of(text.split("\n")));
  }

  private static Bytes union(Bytes a, Bytes b) {
    Set<String> all = lines(a.toUtf8());
    all.addAll(lines(b.toUtf8()));
    return Bytes.utf8(String.join("\n", all));
  }

  private MetadataFabric open(int region, List<Integer> ports) {
    FabricBuilder builder =
        MetadataFabric.builder()
            .region(NAMES.get(region))
            .directory(directory.resolve(NAMES.get(region)))
            .conflicts("kept", ConflictRule.siblings())
            .conflicts("merged", ConflictRule.merge("union-1", RoamingConflictsTest::union))
            .fetchTimeout(LONG)
            .listen("127.0.0.1:" + ports.get(region));
    for (int other = 0; other < NAMES.size(); other++) {
      if (other != region) {
        builder.peer(NAMES.get(other), "127.0.0.1:" + ports.get(other));
      }
    }
    return builder.open();
  }

  @Test
  void whatTheyAreShown_hasAllTheyDependOn_orWhatReplacedIt() throws Exception {
    List<Integer> ports = FreePorts.take(3);
    for (int i = 0; i < KEYS; i++) {
      // Merges are versions, too, that no caller was told of.
      history.add(new Event.MayHaveWritten("merged/" + i, false, Long.MAX_VALUE));
    }
    try (var eu = open(0, ports);
        var us = open(1, ports);
        var ap = open(2, ports)) {
      ThreeFabricsTest.awaitSync(eu, us, ap);
      List<Throwable> failures = Collections.synchronizedList(new ArrayList<>());
      var threads = new ArrayList<Thread>();
      for (int i = 1; i <= WALKERS; i++) {
        var walker = new Walker(i, List.of(eu, us, ap));
        var thread = new Thread(walker::walk, "walker " + i);
        thread.setUncaughtExceptionHandler((of, failure) -> failures.add(failure));
        threads.add(thread);
        thread.start();
      }
      for (Thread each : threads) {
        each.join(TimeUnit.MINUTES.toMillis(3));
        assertThat(each.isAlive()).as("%s hangs, seed %d", each, SEED).isFalse();
      }
      assertThat(failures).as("seed %d", SEED).isEmpty();
    }
    assertThat(HistoryChecker.problemsOf(history)).as("seed %d", SEED).isEmpty();
    assertThat(shown).as("what was lost, seed %d", SEED).allMatch(read -> lostBy(read).isEmpty());
    for (String namespace : List.of("kept/", "merged/")) {
      assertThat(shown.stream().filter(read -> read.key().startsWith(namespace)))
          .as("reads of %s, seed %d", namespace, SEED)
          .hasSizeGreaterThan(50)
          .as("conflicts in %s, seed %d", namespace, SEED)
          .filteredOn(Shown::isConflict)
          .hasSizeGreaterThan(5);
    }
  }

  /** What of the required writes is neither shown nor replaced by what is. */
  private Set<String> lostBy(Shown read) {
    return read.required().stream()
        .filter(
            write ->
                read.writes().stream()
                    .noneMatch(other -> versions.get(other).covers(versions.get(write).dot())))
        .collect(Collectors.toSet());
  }

  /** One session, and what it must not miss any more. */
  private final class Walker {
    private final int number;
    private final List<MetadataFabric> regions;
    private final Random random;
    private final Map<String, Set<String>> seen = new HashMap<>();
    private String token;
    private int step;

    Walker(int number, List<MetadataFabric> regions) {
      this.number = number;
      this.regions = regions;
      this.random = new Random(SEED * 31 + number);
      this.token = regions.get(0).session().token().toString();
    }

    void walk() {
      for (step = 0; step < STEPS; step++) {
        int at = random.nextInt(regions.size());
        MetadataFabric fabric = regions.get(at);
        Session session = fabric.session(SessionToken.parse(token));
        String key = (random.nextBoolean() ? "kept/" : "merged/") + random.nextInt(KEYS);
        int kind = random.nextInt(10);
        if (kind < 5) {
          read(fabric, at, session, key);
        } else if (kind < 7) {
          write(at, session, key);
        } else if (kind < 9) {
          writeBeside(at, session, key);
        } else {
          readFresh(fabric, at, key);
        }
        token = session.token().toString();
      }
    }

    private void read(MetadataFabric fabric, int at, Session session, String key) {
      Set<String> required = Set.copyOf(seen.getOrDefault(key, Set.of()));
      long asked = System.nanoTime();
      @Nullable Versioned value = session.get(key).orElse(null);
      @Nullable Version version = value == null ? null : value.version();
      history.add(
          new Event.Read(number, NAMES.get(at), key, version, asked, System.nanoTime(), -1));
      if (value == null) {
        shown.add(new Shown(number, step, key, required, Set.of()));
        return;
      }
      Set<String> told = lines(value.utf8());
      // A plain read shows one of those that are kept; what this region knows has not become less.
      Set<String> writes =
          key.startsWith("merged/")
              ? told
              : fabric.siblings(key).values().stream()
                  .map(Versioned::utf8)
                  .collect(Collectors.toSet());
      shown.add(new Shown(number, step, key, required, writes));
      told.forEach(
          write -> {
            saw(key, write);
            seenBefore.get(write).forEach((of, all) -> all.forEach(each -> saw(of, each)));
          });
    }

    private void saw(String key, String write) {
      seen.computeIfAbsent(key, none -> new TreeSet<>()).add(write);
    }

    private void write(int at, Session session, String key) {
      String write = "walker " + number + ", step " + step;
      var before = new HashMap<String, Set<String>>();
      seen.forEach((of, all) -> before.put(of, Set.copyOf(all)));
      seenBefore.put(write, before);
      Version version = session.put(key, utf8(write));
      versions.put(write, version);
      history.add(new Event.Wrote(number, NAMES.get(at), key, version, false, System.nanoTime()));
      saw(key, write);
    }

    /** While another region writes the key too, and neither hears of it. */
    private void writeBeside(int at, Session session, String key) {
      int beside = (at + 1 + random.nextInt(2)) % regions.size();
      synchronized (network) {
        regions.get(at).awaitReplicated(session.token(), NAMES.get(at), LONG);
        regions.get(at).peer(NAMES.get(beside)).pause();
        regions.get(beside).peer(NAMES.get(at)).pause();
        try {
          writeAlone(beside, key);
          write(at, session, key);
        } finally {
          regions.get(at).peer(NAMES.get(beside)).resume();
          regions.get(beside).peer(NAMES.get(at)).resume();
        }
      }
    }

    private void writeAlone(int at, String key) {
      String write = "nobody's, beside walker " + number + ", step " + step;
      seenBefore.put(write, Map.of());
      Version version = regions.get(at).put(key, utf8(write));
      versions.put(write, version);
      history.add(
          new Event.Wrote(Event.NO_SESSION, NAMES.get(at), key, version, false, System.nanoTime()));
    }

    private void readFresh(MetadataFabric fabric, int at, String key) {
      Duration most = Duration.ofSeconds(2);
      long asked = System.nanoTime();
      Fresh fresh = fabric.get(key, most);
      long ended = System.nanoTime();
      assertThat(fresh.staleness()).isLessThanOrEqualTo(most);
      @Nullable Version version = fresh.value().map(Versioned::version).orElse(null);
      // It was as old as that when it was made, which was before it came here.
      long staleness = fresh.staleness().toNanos() + (ended - asked);
      history.add(
          new Event.Read(Event.NO_SESSION, NAMES.get(at), key, version, asked, ended, staleness));
    }
  }
}
