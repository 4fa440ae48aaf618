package io.metafabric.replicate;

import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.wire.MoveOutcome;
import java.util.concurrent.CompletableFuture;

/** What peers ask of this node when a home moves. Called on the loop. */
public interface HomeMoves {
  /**
   * @param outcome what became of it
   * @param message for whoever asked; empty if it is done
   */
  record Result(MoveOutcome outcome, String message) {
    public static final Result DONE = new Result(MoveOutcome.DONE, "");
  }

  /** Makes {@code to} the home of a key of which this region is the home. */
  CompletableFuture<Result> moveFromHere(Key key, RegionName to);

  /** Holds a record durably, with its payload, because this region is about to become its home. */
  CompletableFuture<Result> hold(MetadataRecord record);
}
