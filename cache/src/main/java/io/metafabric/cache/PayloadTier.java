package io.metafabric.cache;

import io.metafabric.core.record.MetadataRecord;

/** The tier behind the hot one: the journal itself, or something faster in front of it. */
public interface PayloadTier extends Tier {
  /**
   * Is told of each write of this node once it is published, in that order, by one thread at a
   * time; must not wait for a disk.
   *
   * @param record without payload if the key was deleted
   */
  void written(MetadataRecord record);

  WarmTierStats stats();
}
