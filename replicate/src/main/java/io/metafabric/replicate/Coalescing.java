package io.metafabric.replicate;

import io.metafabric.core.record.Header;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.version.Version;

/** Which changes of a key need not be sent any more, because a later one says all of it. Pure. */
final class Coalescing {
  private Coalescing() {}

  /**
   * Whether whoever joins {@code later} learns nothing from {@code earlier}, another write of the
   * same key. A later write that had not seen the earlier one is concurrent with it, and both go. A
   * value does not say that there was a remove before it: who has the value's header alone must not
   * show what was removed.
   */
  static boolean saysAll(MetadataRecord later, MetadataRecord earlier) {
    Header after = later.header();
    Version then = earlier.header().version();
    boolean hidesRemove = earlier.header().isTombstone() && !after.isTombstone();
    return !hidesRemove
        && after.version().context().contains(then.dot())
        && after.version().context().containsAll(then.context());
  }
}
