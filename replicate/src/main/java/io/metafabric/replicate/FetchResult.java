package io.metafabric.replicate;

import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;

/** What came of asking other regions for a record. */
public sealed interface FetchResult {
  /** With its payload, or a tombstone. */
  record Found(MetadataRecord record, RegionName from) implements FetchResult {}

  /**
   * Nobody who could be asked has what was wanted; an older value, with its payload, is all that
   * there is. To be shown as such, and not to be stored.
   */
  record Superseded(MetadataRecord record, RegionName from) implements FetchResult {}

  /** The region that answers for the key has never heard of it. */
  record Absent() implements FetchResult {}

  /**
   * Everyone who could be asked lacks the payload.
   *
   * @param byHome whether the home was among them: then nobody answers for it
   */
  record NotHeld(boolean byHome) implements FetchResult {}

  /** Of a prefetch: what was asked for is here, or something newer is known. */
  record Overtaken() implements FetchResult {}

  /** Nobody who could know was reachable in time. */
  record Unreachable(String why) implements FetchResult {}
}
