package io.metafabric.core.store;

import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Lets contexts forget openings that are over. Each opening of a region is an actor of its own, and
 * a key that all of them write would name all of them for ever.
 *
 * <p>A version is settled once all regions have durably applied it: the stable floor. Then no
 * region has any of what it has seen as its record any more, but that very version or what covers
 * it; so what covers it need not name what else is under the floor. A key that is written all the
 * time never has a settled record: one version of it is remembered until it is settled.
 *
 * <p>Only where one version of a key wins: there what nobody names any more, and comes back all the
 * same, with an older disk, loses by its stamp. Tombstones name all they have seen: they go as a
 * whole.
 *
 * <p>Methods belong to whoever holds the lock of the decisions, but for those about the floor.
 */
final class SettledContexts {
  /** Contexts that name fewer are left as they are: they cost little, and most never grow. */
  static final int MAX_ACTORS = 8;

  /** Keys of which a version is remembered; of more, those that were looked at of late. */
  private static final int MAX_REMEMBERED = 256;

  private static final Duration FLOOR_AFTER = Duration.ofSeconds(1);

  private final AtomicBoolean asked = new AtomicBoolean();
  private final Map<Key, Version> remembered =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Key, Version> eldest) {
          return size() > MAX_REMEMBERED;
        }
      };
  private volatile VersionVector floor = VersionVector.EMPTY;
  private volatile @Nullable SerialExecutor executor;
  private volatile Supplier<VersionVector> stable = () -> VersionVector.EMPTY;

  /**
   * Nothing is settled before.
   *
   * @param stable is asked for the floor on {@code executor}, now and then while contexts are long
   */
  void start(SerialExecutor executor, Supplier<VersionVector> stable) {
    this.stable = stable;
    this.executor = executor;
  }

  /** The floor of this moment, which counts from now on. */
  VersionVector floor() {
    VersionVector now = stable.get();
    floor = now;
    return now;
  }

  private void ask() {
    SerialExecutor asking = executor;
    if (asking != null && asked.compareAndSet(false, true)) {
      asking.schedule(
          FLOOR_AFTER,
          () -> {
            asked.set(false);
            floor();
          });
    }
  }

  /** Whether all regions have applied a write, as far as was last asked. */
  boolean isApplied(Dot dot) {
    return floor.contains(dot);
  }

  /** What a writer names who has seen all that {@code replaced} has, and it. */
  VersionVector contextAfter(Key key, Version replaced, boolean removes) {
    VersionVector named = removes ? replaced.context() : unsettled(key, replaced);
    return named.with(replaced.dot());
  }

  /** What is known of a key, as far as it is to be joined with a version that comes. */
  Header toJoin(Key key, Header known, Header coming) {
    Version version = known.version();
    return coming.isTombstone() || !coming.version().context().contains(version.dot())
        ? known
        : known.withVersion(version.withContext(unsettled(key, version)));
  }

  /** What whatever covers {@code version} is to name of its context. */
  private VersionVector unsettled(Key key, Version version) {
    VersionVector context = version.context();
    if (context.size() < MAX_ACTORS || context.loneDots() > 0) {
      return context;
    }
    Version settling = remembered.get(key);
    if (settling == null || !version.covers(settling.dot())) {
      settling = version;
      remembered.put(key, version);
    }
    if (!floor.contains(settling.dot())) {
      ask();
      return context;
    }
    remembered.remove(key);
    return context.beyond(settling.context().meet(floor));
  }
}
