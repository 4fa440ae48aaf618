package io.metafabric.history;

import io.metafabric.core.version.Version;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Something that a caller was told, in the order in which it was told. Times are nanoseconds of one
 * clock that all regions of the run share.
 */
public sealed interface Event {
  /** Who wrote or read without a session. */
  int NO_SESSION = 0;

  /**
   * A write that was acknowledged.
   *
   * @param hides whether readers may come to see nothing because of it: a deletion, or what expires
   */
  record Wrote(
      int session, String region, String key, Version version, boolean hides, long ackedNanos)
      implements Event {}

  /**
   * A write of which nobody was told what became of it.
   *
   * @param hides as of {@link Wrote}
   * @param untilMs its stamp is not later, by the wall clock; {@link Long#MAX_VALUE} if that cannot
   *     be said
   */
  record MayHaveWritten(String key, boolean hides, long untilMs) implements Event {}

  /**
   * A write from before the history began. Nobody was promised that it is seen, but it may be.
   *
   * @param hides as of {@link Wrote}
   */
  record WrittenBefore(String key, Version version, boolean hides) implements Event {}

  /**
   * A deletion that may be nobody's: a region makes it where an older disk brings back what had
   * been deleted and forgotten.
   */
  record DeletedAgain(String key, Version version) implements Event {}

  /**
   * A read.
   *
   * @param shown of the value, or of the deletion for which there is none; null if nothing was
   *     shown, and it is not known for what deletion
   * @param stalenessNanos what the answer promised; negative if nothing
   */
  record Read(
      int session,
      String region,
      String key,
      @Nullable Version shown,
      long askedNanos,
      long endedNanos,
      long stalenessNanos)
      implements Event {}

  /**
   * What other regions were found to know of a key when a write was said to be durable in them.
   *
   * @param where of each region what it knew; the same order as {@code known}
   */
  record SaidToBeDurable(
      String key, Version written, List<String> where, List<@Nullable Version> known)
      implements Event {}

  /**
   * Acknowledged writes of a region that count no more: it was taken out of the cluster. Nor do
   * those that it takes until it returns, as long as it has not heard of it.
   */
  record Evicted(String region) implements Event {}

  /** A region that was evicted begins anew. */
  record Returned(String region) implements Event {}
}
