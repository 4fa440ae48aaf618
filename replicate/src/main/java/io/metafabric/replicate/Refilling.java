package io.metafabric.replicate;

import io.metafabric.core.port.Clock;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.version.VersionVector;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
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
  /** For so long it is tried to read what cannot be read; then it is damage, and passed over. */
  static final Duration READ_WITHIN = Duration.ofMinutes(10);

  /** The file that lists them names all. */
  private static final int MAX_NAMED = 10;

  private final Set<RegionName> peers;
  private final RecordStore store;
  private final Membership membership;
  private final Repairs repairs;
  private final Inheritance inheritance;
  private final SerialExecutor loop;
  private final SerialExecutor background;
  private final Clock clock;
  private final Runnable mustReopen;
  private final Consumer<String> heldUp;
  private final Consumer<String> lost;
  // Members that have to be filled anew as well, and so keep nothing of this region's.
  private final Set<RegionName> leaving = new HashSet<>();
  private @Nullable Long firstFailedNanos;
  private boolean exporting;
  private boolean exported;
  private boolean ending;

  /**
   * @param mustReopen is told when the directory is to be opened anew
   * @param heldUp hears why that cannot be yet
   * @param lost hears what was damaged and is passed over
   */
  Refilling(
      Set<RegionName> peers,
      RecordStore store,
      Membership membership,
      Repairs repairs,
      Inheritance inheritance,
      SerialExecutor loop,
      SerialExecutor background,
      Clock clock,
      Runnable mustReopen,
      Consumer<String> heldUp,
      Consumer<String> lost) {
    this.peers = peers;
    this.store = store;
    this.membership = membership;
    this.repairs = repairs;
    this.inheritance = inheritance;
    this.loop = loop;
    this.background = background;
    this.clock = clock;
    this.mustReopen = mustReopen;
    this.heldUp = heldUp;
    this.lost = lost;
  }

  void start() {
    if (!store.configured().filled()) {
      repairs.mustCompareWith(membership::isMember);
    }
  }

  /**
   * A member that holds the same configuration has said what it has of regions that were evicted.
   * It may know less than others do: more is exported then than is lost. One that has to be filled
   * anew itself says nothing; where all members have to be, each exports all that it has.
   */
  void told(RegionName peer, SortedMap<RegionName, VersionVector> applied) {
    if (exporting || exported || !membership.mustRefill()) {
      return;
    }
    if (applied.containsKey(store.region())) {
      begin(applied);
      return;
    }
    leaving.add(peer);
    if (peers.stream().allMatch(each -> !membership.isMember(each) || leaving.contains(each))) {
      var nothing = new TreeMap<RegionName, VersionVector>();
      peers.forEach(each -> nothing.put(each, VersionVector.EMPTY));
      nothing.put(store.region(), VersionVector.EMPTY);
      begin(nothing);
    }
  }

  /** Others are members now. */
  void reconfigured() {
    leaving.clear();
  }

  private void begin(SortedMap<RegionName, VersionVector> applied) {
    exporting = true;
    Long first = firstFailedNanos;
    boolean passOver = first != null && clock.nanoTime() - first > READ_WITHIN.toNanos();
    background.execute(
        () -> {
          String problem = export(applied, passOver);
          loop.execute(() -> exported(problem));
        });
  }

  private @Nullable String export(
      SortedMap<RegionName, VersionVector> elsewhere, boolean passOver) {
    try {
      List<String> unreadable = store.beginRefill(elsewhere, passOver);
      if (!unreadable.isEmpty()) {
        lost.accept(
            unreadable.size()
                + " records of this region cannot be read, and are not exported: "
                + String.join("; ", unreadable.subList(0, Math.min(unreadable.size(), MAX_NAMED))));
      }
      return null;
    } catch (RuntimeException e) {
      return "what this region has alone cannot be exported: " + e.getMessage();
    }
  }

  private void exported(@Nullable String problem) {
    exporting = false;
    if (problem != null) {
      // Whoever refuses this region tells it again, and then it is tried again.
      firstFailedNanos = firstFailedNanos == null ? (Long) clock.nanoTime() : firstFailedNanos;
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
            .thenAccept(bytesLost -> damaged(files.get(0), bytesLost))
            .thenCompose(taken -> takeBack(files.subList(1, files.size())));
  }

  private void damaged(String file, long bytes) {
    if (bytes > 0) {
      lost.accept(bytes + " bytes of " + file + " are damaged: payloads of before are not back");
    }
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
