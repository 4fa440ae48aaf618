package io.metafabric.node;

import io.metafabric.core.port.Clock;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.store.Inbound;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.version.Dot;
import io.metafabric.replicate.FetchResult;
import io.metafabric.replicate.Replicator;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Brings together what a read needs of a key whose concurrent writes are kept: payloads that are
 * not here come from the regions that hold them. Thread-safe.
 */
final class SiblingReads {
  /** How often a read looks again at what is known here, after nobody had what it asked for. */
  private static final int MAX_ASKED_ANEW = 4;

  /**
   * @param record what is known, null if nothing is
   * @param asked what the last region that was asked said; null if none was asked
   */
  record Found(@Nullable MetadataRecord record, @Nullable FetchResult asked) {}

  private final RecordStore store;
  private final Replicator replicator;
  private final RegionName region;
  private final Clock clock;

  SiblingReads(RecordStore store, Replicator replicator, RegionName region, Clock clock) {
    this.store = store;
    this.replicator = replicator;
    this.region = region;
    this.clock = clock;
  }

  /** Whether a reader of this state has to wait for another region. */
  boolean isIncomplete(@Nullable MetadataRecord known, boolean all) {
    return known == null || !missing(known, all).isEmpty();
  }

  /**
   * The state of a key. What other regions write while it is asked for is asked for, too.
   *
   * @param known null asks whether there is one
   * @param all of which states the payloads of all visible versions are needed, not of the winner
   *     alone
   */
  CompletionStage<Found> find(
      Key key, @Nullable MetadataRecord known, Predicate<MetadataRecord> all) {
    return find(key, known, all, List.of(), null, MAX_ASKED_ANEW);
  }

  private CompletionStage<Found> find(
      Key key,
      @Nullable MetadataRecord known,
      Predicate<MetadataRecord> all,
      List<Dot> triedBefore,
      @Nullable FetchResult last,
      int anew) {
    Header wanted = null;
    var tried = new ArrayList<>(triedBefore);
    if (known != null) {
      wanted = firstOtherThan(tried, missing(known, all.test(known)));
      if (wanted == null) {
        return CompletableFuture.completedFuture(new Found(known, last));
      }
      tried.add(wanted.version().dot());
    } else if (last != null) {
      return CompletableFuture.completedFuture(new Found(null, last));
    }
    return replicator
        .fetch(key, wanted)
        .thenCompose(
            result ->
                result instanceof FetchResult.Found found
                    ? takenOver(key, known, found.record())
                        .thenCompose(next -> find(key, next, all, tried, result, anew))
                    : find(
                        key,
                        anew > 0 ? asItIsNow(key, known) : known,
                        all,
                        tried,
                        result,
                        anew - 1));
  }

  private static @Nullable Header firstOtherThan(List<Dot> tried, List<Sibling> missing) {
    for (Sibling each : missing) {
      if (!tried.contains(each.header().version().dot())) {
        return each.header();
      }
    }
    return null;
  }

  private List<Sibling> missing(MetadataRecord known, boolean all) {
    long nowMs = clock.wallMs();
    var missing = new ArrayList<Sibling>();
    for (Sibling each : known.versions()) {
      if (each.header().isVisibleAt(nowMs)) {
        if (each.payload() == null) {
          missing.add(each);
        }
        if (!all) {
          break;
        }
      }
    }
    return missing;
  }

  /** Those who were asked may not have heard yet of what this region has by now. */
  private @Nullable MetadataRecord asItIsNow(Key key, @Nullable MetadataRecord known) {
    MetadataRecord stored = store.read(key);
    if (stored == null) {
      return known;
    }
    return known == null ? stored : store.withPayloadsOf(stored, known);
  }

  private CompletionStage<@Nullable MetadataRecord> takenOver(
      Key key, @Nullable MetadataRecord known, MetadataRecord arrived) {
    boolean keep = replicator.isToHold(region, key);
    return store
        .applyOne(new Inbound(arrived, keep))
        .handle((news, failure) -> together(store.read(key), known, arrived));
  }

  /** Of what has come, payloads that this region does not keep are used this once. */
  private MetadataRecord together(
      @Nullable MetadataRecord stored, @Nullable MetadataRecord known, MetadataRecord arrived) {
    MetadataRecord both = stored == null ? arrived : store.withPayloadsOf(stored, arrived);
    return known == null ? both : store.withPayloadsOf(both, known);
  }
}
