package io.metafabric.replicate;

import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import org.jspecify.annotations.Nullable;

/** What this node holds itself, in any tier. Thread-safe; never asks another region. */
public interface LocalCopies {
  /** The newest header known, with the payload if any tier has it; null if nothing is known. */
  @Nullable MetadataRecord find(Key key);

  /**
   * An older value, with its payload, that may be shown until the newest one's payload can be read;
   * null if there is none.
   */
  @Nullable MetadataRecord findSuperseded(Key key);

  /** Whether a payload that is sent unasked is of use here, though this is no home of the key. */
  boolean wants(Key key);

  /** Takes a current payload over where {@link #wants} says so. */
  void offer(MetadataRecord record);
}
