package io.metafabric.procs;

import io.metafabric.Explanation;
import io.metafabric.Fresh;
import io.metafabric.MetadataFabric;
import io.metafabric.Session;
import io.metafabric.SessionToken;
import io.metafabric.Versioned;
import io.metafabric.core.error.NotReplicatedException;
import io.metafabric.core.error.RegionUnreachableException;
import io.metafabric.core.error.StalenessException;
import io.metafabric.core.place.WriteConcern;
import io.metafabric.core.session.WriteConcernException;
import io.metafabric.core.version.Version;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The sessions that come by in one region: each reads and writes for a while, says all that it was
 * told, and goes on elsewhere with its token. Nobody else writes their keys. Methods belong to one
 * thread; each visit has another.
 */
final class Visits {
  /** Where sessions write, and never delete. */
  static final int KEYS = 4;

  static final int DELETED_KEYS = 2;
  static final String PREFIX = "roaming/";
  static final String NEW = "new";
  static final String NOTHING = "nothing";

  /** Beyond the numbers of what the region writes without sessions. */
  private static final long FIRST_SEQUENCE = 1L << 40;

  private static final Duration SHORT = Duration.ofMillis(300);

  private final MetadataFabric fabric;
  private final List<String> regions;
  private final int life;
  private final long seed;
  private final Consumer<String> say;
  private final AtomicLong sequence = new AtomicLong(FIRST_SEQUENCE);
  private final List<Thread> visitors = new ArrayList<>();
  private volatile boolean going;
  private int begun;

  Visits(MetadataFabric fabric, List<String> regions, int life, long seed, Consumer<String> say) {
    this.fabric = fabric;
    this.regions = regions;
    this.life = life;
    this.seed = seed;
    this.say = say;
  }

  static List<String> keys() {
    var keys = new ArrayList<String>();
    for (int i = 0; i < KEYS + DELETED_KEYS; i++) {
      keys.add(PREFIX + i);
    }
    return keys;
  }

  /**
   * @param token {@link #NEW} for none
   */
  void begin(int session, String token) {
    going = true;
    visitors.removeIf(visitor -> !visitor.isAlive());
    var visit = new Visit(session, token, new Random(seed + ++begun));
    var visitor = new Thread(visit::go, "session " + session);
    visitor.setDaemon(true);
    visitor.start();
    visitors.add(visitor);
  }

  /** All who are here go on; nobody comes until then. */
  void rest() throws InterruptedException {
    going = false;
    for (Thread visitor : visitors) {
      visitor.join();
    }
    visitors.clear();
  }

  private final class Visit {
    private final int number;
    private final Random random;
    private final Session session;
    private @Nullable Version lastWritten;
    private String lastKey = "";

    Visit(int number, String token, Random random) {
      this.number = number;
      this.random = random;
      this.session =
          token.equals(NEW) ? fabric.session() : fabric.session(SessionToken.parse(token));
    }

    void go() {
      try {
        for (int steps = 1 + random.nextInt(8); steps > 0 && going; steps--) {
          step();
          LockSupport.parkNanos(random.nextInt(8_000_000));
        }
        say.accept("LEFT " + number + " " + session.token());
      } catch (Throwable e) {
        e.printStackTrace();
        say.accept("BAD session " + number + ": " + e);
      }
    }

    private void step() {
      String key = PREFIX + random.nextInt(KEYS + DELETED_KEYS);
      int dice = random.nextInt(100);
      if (dice < 45) {
        read(key);
      } else if (dice < 70) {
        write(key);
      } else if (dice < 75) {
        remove(PREFIX + (KEYS + random.nextInt(DELETED_KEYS)));
      } else if (dice < 88) {
        readFresh(key, Duration.ofMillis(random.nextInt(3000)));
      } else if (dice < 96) {
        writeDurably(key, WriteConcern.values()[random.nextInt(3)]);
      } else {
        awaitReplicated();
      }
    }

    private void read(String key) {
      long asked = System.nanoTime();
      try {
        Optional<Versioned> shown = session.get(key);
        said("READ_IN_SESSION", key, version(shown), value(shown, key), asked, -1);
      } catch (NotReplicatedException | RegionUnreachableException e) {
        said("NOT_KNOWN", key, NOTHING, NOTHING, asked, -1);
      }
    }

    /**
     * What was told, when, and with which token whoever was told goes on.
     *
     * @param stalenessNanos negative if nothing was promised
     */
    private void said(
        String what, String key, String version, String value, long begun, long stalenessNanos) {
      say.accept(
          String.join(
              " ",
              what,
              "" + number,
              key,
              version,
              value,
              "" + begun,
              "" + System.nanoTime(),
              "" + stalenessNanos,
              session.token().toString()));
    }

    private static String version(Optional<Versioned> shown) {
      return shown.map(value -> KeyState.text(value.version())).orElse(NOTHING);
    }

    private static String value(Optional<Versioned> shown, String key) {
      return shown.map(value -> Values.idOf(value.bytes(), key).toString()).orElse(NOTHING);
    }

    private void readFresh(String key, Duration most) {
      long asked = System.nanoTime();
      Fresh fresh;
      try {
        fresh = fabric.get(key, most);
      } catch (StalenessException | NotReplicatedException | RegionUnreachableException e) {
        said("NOT_KNOWN", key, NOTHING, NOTHING, asked, -1);
        return;
      }
      if (fresh.staleness().compareTo(most) > 0) {
        throw new IllegalStateException(fresh + " may be older than " + most);
      }
      String version =
          fresh.version().equals(Version.NONE) ? NOTHING : KeyState.text(fresh.version());
      said(
          "READ_FRESH",
          key,
          version,
          value(fresh.value(), key),
          asked,
          fresh.staleness().toNanos());
    }

    private WriteId tries(String key, String effect) {
      var id = new WriteId(life, sequence.incrementAndGet());
      say.accept("WILL_" + effect + " " + number + " " + key);
      return id;
    }

    private void write(String key) {
      WriteId id = tries(key, "WRITE");
      long begun = System.nanoTime();
      try {
        Version version = session.put(key, Values.of(id, key));
        lastWritten = version;
        lastKey = key;
        said("WROTE_IN_SESSION", key, KeyState.text(version), id.toString(), begun, -1);
      } catch (NotReplicatedException e) {
        said("NOT_WRITTEN", key, NOTHING, NOTHING, begun, -1);
      }
    }

    private void remove(String key) {
      tries(key, "DELETE");
      long begun = System.nanoTime();
      try {
        session.remove(key);
        // Which version that made is not told.
        said("MAY_HAVE_DELETED", key, NOTHING, NOTHING, begun, -1);
      } catch (NotReplicatedException e) {
        said("NOT_WRITTEN", key, NOTHING, NOTHING, begun, -1);
      }
    }

    private void writeDurably(String key, WriteConcern concern) {
      WriteId id = tries(key, "WRITE");
      long begun = System.nanoTime();
      Version version;
      List<String> where;
      try {
        version = fabric.put(key, Values.of(id, key), concern, SHORT);
        where = concern == WriteConcern.HOME_AND_BACKUP ? homeAndBackup(key) : List.of();
      } catch (WriteConcernException e) {
        version = e.version();
        where = e.durableIn();
      }
      said("WROTE", key, KeyState.text(version), id.toString(), begun, -1);
      saidToBeDurable(key, version, where);
    }

    private List<String> homeAndBackup(String key) {
      Explanation known = fabric.explain(key);
      return List.of(known.home(), known.backup().orElseThrow());
    }

    private void awaitReplicated() {
      String region = regions.get(random.nextInt(regions.size()));
      Version last = lastWritten;
      try {
        fabric.awaitReplicated(session.token(), region, SHORT);
      } catch (NotReplicatedException e) {
        return;
      }
      if (last != null) {
        saidToBeDurable(lastKey, last, List.of(region));
      }
    }

    private void saidToBeDurable(String key, Version version, List<String> where) {
      for (String region : where) {
        say.accept("DURABLE " + region + " " + key + " " + KeyState.text(version));
      }
    }
  }
}
