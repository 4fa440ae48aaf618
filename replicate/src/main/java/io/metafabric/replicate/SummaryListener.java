package io.metafabric.replicate;

import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.wire.Frame;

/** Takes what peers tell of the reads of their clients; on the loop. */
public interface SummaryListener {
  /** Nobody learns from it. */
  SummaryListener NONE = (from, opening, summary) -> {};

  /**
   * @param opening of the peer's directory, within which summaries are numbered
   */
  void told(RegionName from, ActorId opening, Frame.Summary summary);
}
