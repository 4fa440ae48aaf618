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
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Brings together what a read needs of a key whose concurrent writes are kept: payloads that are
 * not here come from the regions that hold them. Thread-safe.
 */
final class SiblingReads {
  /** How many versions a read asks for that were not known when it began. */
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
    return new Search(key, all).goOn(known);
  }

  /** One read's way from version to version. Used by one thread after the other. */
  private final class Search {
    private final Key key;
    private final Predicate<MetadataRecord> all;
    private final Set<Dot> tried = new HashSet<>();

    /** What was known when this began, or when it was first heard of the key; null before. */
    private @Nullable Set<Dot> atFirst;

    private int anew = MAX_ASKED_ANEW;
    private @Nullable FetchResult last;

    Search(Key key, Predicate<MetadataRecord> all) {
      this.key = key;
      this.all = all;
    }

    CompletionStage<Found> goOn(@Nullable MetadataRecord known) {
      Header wanted = known == null ? null : nextOf(known);
      boolean ends = known == null ? last != null : wanted == null;
      if (ends) {
        return CompletableFuture.completedFuture(new Found(known, last));
      }
      return replicator
          .fetch(key, wanted)
          .thenCompose(
              result -> {
                last = result;
                return takenOver(key, known, result).thenCompose(this::goOn);
              });
    }

    private @Nullable Header nextOf(MetadataRecord known) {
      Set<Dot> first = atFirst;
      if (first == null) {
        first = new HashSet<>();
        for (Sibling each : known.versions()) {
          first.add(each.header().version().dot());
        }
        atFirst = first;
      }
      for (Sibling each : missing(known, all.test(known))) {
        Dot dot = each.header().version().dot();
        if (!tried.contains(dot) && (first.contains(dot) || mayAskAnew())) {
          tried.add(dot);
          return each.header();
        }
      }
      return null;
    }

    /** Not where nobody answers, be it for good. */
    private boolean mayAskAnew() {
      return !(last instanceof FetchResult.Unreachable) && anew-- > 0;
    }
  }

  private List<Sibling> missing(MetadataRecord known, boolean all) {
    long nowMs = clock.wallMs();
    var missing = new ArrayList<Sibling>();
    for (Sibling each : known.shown()) {
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

  private CompletionStage<@Nullable MetadataRecord> takenOver(
      Key key, @Nullable MetadataRecord known, FetchResult result) {
    if (!(result instanceof FetchResult.Found found)) {
      return CompletableFuture.completedFuture(asItIsNow(key, known));
    }
    boolean keep = replicator.isToHold(region, key);
    return store
        .applyOne(new Inbound(found.record(), keep))
        .handle((news, failure) -> together(store.read(key), known, found.record()));
  }

  /** Those who were asked may not have heard yet of what this region has by now. */
  private @Nullable MetadataRecord asItIsNow(Key key, @Nullable MetadataRecord known) {
    MetadataRecord stored = store.read(key);
    if (stored == null) {
      return known;
    }
    return known == null ? stored : store.withPayloadsOf(stored, known);
  }

  /** Of what has come, payloads that this region does not keep are used this once. */
  private MetadataRecord together(
      @Nullable MetadataRecord stored, @Nullable MetadataRecord known, MetadataRecord arrived) {
    MetadataRecord both = stored == null ? arrived : store.withPayloadsOf(stored, arrived);
    return known == null ? both : store.withPayloadsOf(both, known);
  }
}
