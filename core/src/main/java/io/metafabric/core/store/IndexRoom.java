package io.metafabric.core.store;

import io.metafabric.core.conflict.ConflictRules;
import io.metafabric.core.error.IndexFullException;
import io.metafabric.core.index.KeyIndex;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Refuses what makes the key index grow once it takes its bytes. Has no state; belongs to whoever
 * holds the lock of the decisions.
 */
final class IndexRoom {
  private final KeyIndex index;
  private final Decisions decisions;
  private final ConflictRules rules;
  private final int maxValueBytes;
  private final long maxIndexBytes;

  IndexRoom(StoreConfig config, KeyIndex index, Decisions decisions) {
    this.index = index;
    this.decisions = decisions;
    this.rules = config.conflicts().rules();
    this.maxValueBytes = config.maxValueBytes();
    this.maxIndexBytes = config.maxIndexBytes();
  }

  /**
   * @throws IndexFullException if there is none for a key that is new
   */
  void requireFor(Key key) {
    if (isFull()) {
      throw indexFull(key);
    }
  }

  /** All of a range is refused if one of its keys has no room, so that it comes again. */
  @Nullable IndexFullException failureFor(List<Inbound> inbound) {
    if (!isFull()) {
      return null;
    }
    for (Inbound one : inbound) {
      Key key = one.record().key();
      boolean grows =
          rules.of(key).keepsSiblings()
              ? hasMoreVersions(one.record())
              : decisions.newestHeader(key) == null;
      if (grows) {
        return indexFull(key);
      }
    }
    return null;
  }

  private boolean isFull() {
    return index.bytes() > maxIndexBytes;
  }

  private boolean hasMoreVersions(MetadataRecord theirs) {
    MetadataRecord ours = decisions.newestRecord(theirs.key());
    return ours == null
        || Siblings.join(ours, theirs, maxValueBytes).record().siblings().size()
            > ours.siblings().size();
  }

  private IndexFullException indexFull(Key key) {
    return new IndexFullException(
        "there is no room for "
            + key
            + ": the index of "
            + index.keys()
            + " keys takes "
            + index.bytes()
            + " bytes, more than maxIndexBytes = "
            + maxIndexBytes
            + "; raise it, and -XX:MaxDirectMemorySize with it");
  }
}
