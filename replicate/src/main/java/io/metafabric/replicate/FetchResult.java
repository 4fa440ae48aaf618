package io.metafabric.replicate;

import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;

/** What came of asking other regions for a record. */
public sealed interface FetchResult {
  /** With its payload, or a tombstone. */
  record Found(MetadataRecord record, RegionName from) implements FetchResult {}

  /** The region that answers for the key has never heard of it. */
  record Absent() implements FetchResult {}

  /** Everyone who could be asked lacks the payload. */
  record NotHeld() implements FetchResult {}

  /** Nobody who could know was reachable in time. */
  record Unreachable(String why) implements FetchResult {}
}
