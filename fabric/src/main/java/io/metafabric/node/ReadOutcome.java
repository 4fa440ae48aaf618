package io.metafabric.node;

import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.record.MetadataRecord;

/** What a read beyond the hot tier came to. */
public sealed interface ReadOutcome {
  record Value(MetadataRecord record, AccessEvent.Outcome from) implements ReadOutcome {}

  /**
   * There is no value.
   *
   * @param everWritten whether the fabric knows the key, deleted or expired
   */
  record Absent(boolean everWritten) implements ReadOutcome {}

  /** An older value: nobody who has the newest one could be reached. */
  record Superseded(MetadataRecord record, String why) implements ReadOutcome {}

  record Unreachable(String why) implements ReadOutcome {}

  /** A prefetch on which the read waited found nothing; the read has to look for itself. */
  record PrefetchMissed() implements ReadOutcome {}
}
