package io.metafabric.replicate;

import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.wire.Frame;
import io.metafabric.replicate.shadow.ShadowTerms;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** What peers ask of this node about shadows. Called on the loop. */
public interface ShadowWork {
  /** Answers what a peer asks; one answer for each region that was concerned. */
  CompletableFuture<List<Frame.ShadowAnswer>> asked(RegionName by, Frame.ShadowRequest request);

  /** Has a shadow of a record that comes with its payload, if that can be. */
  CompletableFuture<Frame.ShadowAnswer> hold(MetadataRecord record, ShadowTerms terms);

  /** A peer was given a payload, as it had none, be it from a shadow here. */
  void fetched(Key key, RegionName by);

  /**
   * Which regions have a shadow of a key of which this node is home or backup, and for how many
   * milliseconds more.
   */
  Map<RegionName, Long> shadowsOf(Key key);

  /** Whether a region has a shadow of a key, as far as this node, its home, knows. */
  boolean hasShadow(Key key, RegionName region);

  /** Whether it has one, so known, that somebody asked for by name. */
  boolean isAskedFor(Key key, RegionName region);
}
