package io.metafabric.replicate;

import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.version.VersionVector;
import java.util.SortedMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The way back of this region after it was evicted. Before its directory is emptied: what the
 * members lack of its own writes goes to the conflict log. Afterwards: it has got back what there
 * is once it has compared all headers with every member.
 *
 * <p>Belongs to the loop.
 */
final class Refilling {
  private final RecordStore store;
  private final Membership membership;
  private final Repairs repairs;
  private final SerialExecutor loop;
  private final SerialExecutor background;
  private final Runnable mustReopen;
  private final Consumer<String> heldUp;
  private boolean exporting;
  private boolean exported;
  private boolean noting;

  /**
   * @param mustReopen is told when the directory is to be opened anew
   * @param heldUp hears why that cannot be yet
   */
  Refilling(
      RecordStore store,
      Membership membership,
      Repairs repairs,
      SerialExecutor loop,
      SerialExecutor background,
      Runnable mustReopen,
      Consumer<String> heldUp) {
    this.store = store;
    this.membership = membership;
    this.repairs = repairs;
    this.loop = loop;
    this.background = background;
    this.mustReopen = mustReopen;
    this.heldUp = heldUp;
  }

  void start() {
    if (!store.configured().filled()) {
      repairs.mustCompareWith(membership::isMember);
    }
  }

  /**
   * A member that holds the same configuration has said what it has of regions that were evicted.
   * It may know less than others do: more is exported then than is lost.
   */
  void told(SortedMap<RegionName, VersionVector> applied) {
    boolean concernsThis = applied.containsKey(store.region());
    if (exporting || exported || !concernsThis || !membership.mustRefill()) {
      return;
    }
    exporting = true;
    background.execute(
        () -> {
          String problem = export(applied);
          loop.execute(() -> exported(problem));
        });
  }

  private @Nullable String export(SortedMap<RegionName, VersionVector> elsewhere) {
    try {
      store.beginRefill(elsewhere);
      return null;
    } catch (RuntimeException e) {
      return "what this region has alone cannot be exported: " + e.getMessage();
    }
  }

  private void exported(@Nullable String problem) {
    exporting = false;
    if (problem != null) {
      // Whoever refuses this region tells it again, and then it is tried again.
      heldUp.accept(problem);
      return;
    }
    exported = true;
    mustReopen.run();
  }

  /** To be called now and then. */
  void check() {
    if (store.configured().filled() || noting || !repairs.hasComparedWithAll()) {
      return;
    }
    noting = true;
    membership.filled().whenComplete((done, failure) -> loop.execute(() -> noting = false));
  }
}
