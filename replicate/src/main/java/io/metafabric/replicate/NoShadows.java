package io.metafabric.replicate;

import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.MoveOutcome;
import io.metafabric.replicate.shadow.ShadowTerms;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** Answers what is asked about shadows until somebody else says who does. */
record NoShadows(RegionName here) implements ShadowWork {
  private Frame.ShadowAnswer none() {
    return new Frame.ShadowAnswer(here, MoveOutcome.REFUSED, "there are no shadows here", null);
  }

  @Override
  public CompletableFuture<List<Frame.ShadowAnswer>> asked(
      RegionName by, Frame.ShadowRequest request) {
    return CompletableFuture.completedFuture(List.of(none()));
  }

  @Override
  public CompletableFuture<Frame.ShadowAnswer> hold(MetadataRecord record, ShadowTerms terms) {
    return CompletableFuture.completedFuture(none());
  }

  @Override
  public void fetched(Key key, RegionName by) {}

  @Override
  public Map<RegionName, Long> shadowsOf(Key key) {
    return Map.of();
  }

  @Override
  public boolean hasShadow(Key key, RegionName region) {
    return false;
  }

  @Override
  public boolean isAskedFor(Key key, RegionName region) {
    return false;
  }
}
