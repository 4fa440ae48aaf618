package io.metafabric.node;

import io.metafabric.cache.HotTier;
import io.metafabric.cache.PayloadTier;
import io.metafabric.core.access.AccessEvent.Outcome;
import io.metafabric.core.conflict.ConflictRule;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.index.KeyIndex;
import io.metafabric.core.index.Substitute;
import io.metafabric.core.port.Clock;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.store.Inbound;
import io.metafabric.core.store.LastWriterWins;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Version;
import io.metafabric.replicate.LocalCopies;
import io.metafabric.replicate.shadow.ShadowShelf;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What this node holds of a key itself, in whatever tier: hot tier, warm tier, shelf of shadows,
 * kept payloads, and the journal behind them. Never asks another region.
 *
 * <p>The tiers are others'; its own is what it remembers of copies that left the hot tier because a
 * newer version came without its payload. Thread-safe, but for {@link #offer}, which is the loop's.
 */
final class LocalTiers implements LocalCopies {
  private final RecordStore store;
  private final HotTier<?> hot;
  private final PayloadTier warm;
  private final ShadowShelf shelf;
  private final KeptPayloads kept;
  private final Clock clock;
  private final InvalidatedCopies invalidated = new InvalidatedCopies();
  private final SupersededCopies superseded = new SupersededCopies();

  LocalTiers(
      RecordStore store,
      HotTier<?> hot,
      PayloadTier warm,
      ShadowShelf shelf,
      KeptPayloads kept,
      Clock clock) {
    this.store = store;
    this.hot = hot;
    this.warm = warm;
    this.shelf = shelf;
    this.kept = kept;
    this.clock = clock;
  }

  /** The newest version with its payload, if a tier behind the hot one has both; else null. */
  @Nullable MetadataRecord held(Key key) {
    MetadataRecord record = warm.get(key);
    return record == null ? copyOf(key) : record;
  }

  /** Header and payload of one moment. */
  @Nullable MetadataRecord known(Key key) {
    MetadataRecord held = held(key);
    return held == null ? store.read(key) : held;
  }

  /**
   * The shadow that this region has, or what is kept, if it is of the newest version; else null.
   */
  @Nullable MetadataRecord copyOf(Key key) {
    MetadataRecord shadow = newest(shelf.get(key));
    return shadow == null ? newest(kept.get(key)) : shadow;
  }

  private @Nullable MetadataRecord newest(@Nullable MetadataRecord held) {
    Header newest = held == null ? null : store.header(held.key());
    return held != null && newest != null && KeyIndex.isSameWrite(held.header(), newest)
        ? held.withHeader(newest)
        : null;
  }

  /** What a reader is told of a record; null if its payload must be fetched first. */
  @Nullable ReadOutcome readable(@Nullable MetadataRecord record, Outcome from) {
    if (record == null) {
      return null;
    }
    if (record.hasSiblings()) {
      Sibling visible = record.visibleAt(clock.wallMs());
      return visible == null
          ? new ReadOutcome.Absent(true)
          : readable(new MetadataRecord(record.key(), visible.header(), visible.payload()), from);
    }
    if (!record.header().isVisibleAt(clock.wallMs())) {
      return new ReadOutcome.Absent(true);
    }
    return record.payload() == null ? null : new ReadOutcome.Value(record, from);
  }

  /** What readers see in the hot tier, if it is of the newest version; else null. */
  @Nullable MetadataRecord shown(Key key) {
    MetadataRecord shown = hot.peek(key);
    return shown != null && store.isCurrent(key, shown.header().version().dot()) ? shown : null;
  }

  @Override
  public @Nullable MetadataRecord find(Key key) {
    MetadataRecord record = store.read(key);
    if (record == null || record.payload() != null) {
      return record;
    }
    Dot newest = record.header().version().dot();
    for (MetadataRecord copy : Arrays.asList(hot.peek(key), shelf.get(key), kept.get(key))) {
      if (copy != null && copy.header().version().dot().equals(newest)) {
        return record.withPayload(copy.payload());
      }
    }
    return record;
  }

  @Override
  public @Nullable MetadataRecord findSuperseded(Key key) {
    return newestOlder(key, null);
  }

  /**
   * Of what is here and what came from elsewhere that which readers may see, and is the newest.
   *
   * @param there what came; null if nothing did
   */
  @Nullable MetadataRecord newestOlder(Key key, @Nullable MetadataRecord there) {
    ConflictRule rule = store.conflictRules().of(key);
    if (rule.keepsSiblings()) {
      // One of several would be taken for what all of them are merged to.
      return rule.mergesEverywhere() ? null : readableBeside(key);
    }
    Substitute substitute = store.substitute(key);
    long nowMs = clock.wallMs();
    if (substitute == null) {
      return there != null && store.header(key) == null && there.header().isVisibleAt(nowMs)
          ? there
          : null;
    }
    if (!substitute.newest().isVisibleAt(nowMs)) {
      return null;
    }
    MetadataRecord newest = null;
    for (MetadataRecord each :
        Arrays.asList(
            substitute.held(), superseded.get(key), shelf.get(key), kept.get(key), there)) {
      if (each != null
          && substitute.allows(each, nowMs)
          && (newest == null || LastWriterWins.wins(each.header(), newest.header()))) {
        newest = each;
      }
    }
    return newest;
  }

  /** Of versions that nothing has replaced the first whose payload is here. */
  private @Nullable MetadataRecord readableBeside(Key key) {
    MetadataRecord known = store.read(key);
    if (known != null) {
      for (Sibling each : known.shown()) {
        if (each.payload() != null && each.header().isVisibleAt(clock.wallMs())) {
          return new MetadataRecord(key, each.header(), each.payload());
        }
      }
    }
    return null;
  }

  @Override
  public boolean wants(Key key) {
    return isWanted(key) || kept.wants(key);
  }

  private boolean isWanted(Key key) {
    return hot.peek(key) != null || invalidated.contains(key) || shelf.contains(key);
  }

  @Override
  public void offer(MetadataRecord record) {
    if (store.isCurrent(record.key(), record.header().version().dot())) {
      boolean wanted = isWanted(record.key());
      invalidated.remove(record.key());
      superseded.remove(record.key());
      MetadataRecord known = asKnownHere(record);
      shelf.refresh(known, true);
      kept.arrived(known);
      if (wanted) {
        hot.fill(known);
      }
    } else {
      store.applyOne(new Inbound(record, false));
    }
  }

  /**
   * The same write with the header that it has here: whoever gave the record need not have heard of
   * concurrent writes over which it won here, and a reader may have.
   */
  MetadataRecord asKnownHere(MetadataRecord arrived) {
    Header known = store.header(arrived.key());
    Header given = arrived.header();
    return known != null && KeyIndex.isSameWrite(known, given)
        ? arrived.withHeader(known)
        : arrived;
  }

  /** It was read: readers find it in the hot tier from now on. */
  void fill(MetadataRecord record) {
    hot.fill(record);
  }

  /** Out of the memory of readers. */
  void drop(Key key) {
    hot.drop(key);
  }

  /**
   * A version that can be read is here: what was older is of no use any more.
   *
   * @param isSent whether another region sent it unasked
   */
  void replaceOlder(MetadataRecord record, boolean isSent) {
    superseded.remove(record.key());
    if (record.payload() != null) {
      shelf.refresh(record, isSent);
    }
  }

  /** A new version was published, of which readers are to see no other; with its payload or not. */
  void published(MetadataRecord record, boolean local) {
    if (local) {
      warm.written(record);
    }
    if (record.payload() != null) {
      showPayload(record, local);
    } else {
      hideOlder(record);
    }
  }

  private void showPayload(MetadataRecord record, boolean local) {
    replaceOlder(record, !local);
    if (local || invalidated.contains(record.key())) {
      invalidated.remove(record.key());
      hot.written(record);
    } else {
      hot.refresh(record);
    }
  }

  private void hideOlder(MetadataRecord record) {
    if (record.header().isTombstone()) {
      superseded.remove(record.key());
    }
    MetadataRecord shown = hot.peekBehindFills(record.key());
    if (shown == null || shown.header().version().dot().equals(record.header().version().dot())) {
      return;
    }
    if (!record.header().isTombstone()) {
      // Before it is dropped: a reader finds it here or there.
      keepCopy(shown);
      invalidated.add(record.key());
    }
    hot.drop(record.key());
  }

  /** A copy that the journal does not have, as far as can be told. */
  private void keepCopy(MetadataRecord shown) {
    if (!shown.header().version().equals(Version.NONE) && !holdsOlder(shown.key())) {
      superseded.add(shown);
    }
  }

  private boolean holdsOlder(Key key) {
    try {
      Substitute substitute = store.substitute(key);
      return substitute != null && substitute.held() != null;
    } catch (StorageException e) {
      // It cannot be read from there in any case.
      return false;
    }
  }

  /** Its own, not that of the tiers. */
  List<MemoryUse> memory() {
    return List.of(
        new MemoryUse(
            "invalidated copies", invalidated.estimatedBytes(), InvalidatedCopies.MAX_BYTES),
        new MemoryUse(
            "superseded copies", superseded.estimatedBytes(), SupersededCopies.MAX_BYTES));
  }
}
