package io.metafabric.replicate;

import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.version.VersionVector;
import java.util.List;
import java.util.SortedMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The way back of this region after it was evicted. Before its directory is emptied: what the
 * members lack of its own writes goes to the conflict log, and its payloads are set aside.
 * Afterwards: it has got back what there is once it has compared all headers with every member, has
 * applied what they had by then, and has taken back the payloads of theirs that it had before.
 *
 * <p>Belongs to the loop.
 */
final class Refilling {
  private final RecordStore store;
  private final Membership membership;
  private final Repairs repairs;
  private final Inheritance inheritance;
  private final SerialExecutor loop;
  private final SerialExecutor background;
  private final Runnable mustReopen;
  private final Consumer<String> heldUp;
  private boolean exporting;
  private boolean exported;
  private boolean ending;

  /**
   * @param mustReopen is told when the directory is to be opened anew
   * @param heldUp hears why that cannot be yet
   */
  Refilling(
      RecordStore store,
      Membership membership,
      Repairs repairs,
      Inheritance inheritance,
      SerialExecutor loop,
      SerialExecutor background,
      Runnable mustReopen,
      Consumer<String> heldUp) {
    this.store = store;
    this.membership = membership;
    this.repairs = repairs;
    this.inheritance = inheritance;
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
    boolean isDone = repairs.hasComparedWithAll() && inheritance.isComplete();
    if (store.configured().filled() || ending || !isDone) {
      return;
    }
    ending = true;
    inBackground(store::payloadsAside)
        .thenCompose(this::takeBack)
        .thenCompose(done -> membership.filled())
        .thenCompose(done -> inBackground(this::dropAside))
        .whenComplete((done, failure) -> loop.execute(() -> ended(failure)));
  }

  /** The headers are all here; payloads that nobody else may have are still beside them. */
  private CompletableFuture<?> takeBack(List<String> files) {
    return files.isEmpty()
        ? CompletableFuture.completedFuture(null)
        : inBackground(() -> store.takeBack(files.get(0)))
            .thenCompose(taken -> taken)
            .thenCompose(taken -> takeBack(files.subList(1, files.size())));
  }

  private boolean dropAside() {
    store.dropPayloadsAside();
    return true;
  }

  private <T> CompletableFuture<T> inBackground(Supplier<T> work) {
    var result = new CompletableFuture<T>();
    background.execute(
        () -> {
          try {
            result.complete(work.get());
          } catch (RuntimeException e) {
            result.completeExceptionally(e);
          }
        });
    return result;
  }

  private void ended(@Nullable Throwable failure) {
    ending = false;
    if (failure != null && !store.configured().filled()) {
      heldUp.accept("what this region held before cannot be taken back: " + failure.getMessage());
    }
  }
}
