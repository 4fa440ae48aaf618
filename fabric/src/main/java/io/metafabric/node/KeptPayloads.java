package io.metafabric.node;

import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.AccessEvent.Outcome;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.port.Clock;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.Published;
import io.metafabric.core.store.RecordStore;
import io.metafabric.replicate.FetchPath;
import io.metafabric.replicate.Replicator;
import io.metafabric.replicate.arm.CopyBudget;
import io.metafabric.replicate.arm.CopyRead;
import io.metafabric.replicate.arm.CopyTerms;
import io.metafabric.replicate.arm.KeptCopies;
import io.metafabric.replicate.arm.KeptCopy;
import io.metafabric.replicate.arm.KeptStats;
import io.metafabric.replicate.arm.ReplicationManager;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Payloads that this region need not hold, in memory beside the hot tier, for as long as the ARM
 * thinks that they pay: what homes sent, what reads fetched, and what was written here. Tells homes
 * what of theirs is read. Nothing rests on them: like the hot tier's, they may be gone at any time.
 *
 * <p>Belongs to the loop, but for what says otherwise.
 */
final class KeptPayloads {
  /** An entry, the record and what is in it, without characters and payload. */
  private static final int ENTRY_BYTES = 480;

  private static final long SWEEP_EVERY_MS = 10_000;

  private final RegionName region;
  private final RecordStore store;
  private final Replicator replicator;
  private final ReplicationManager arm;
  private final Clock clock;
  private final Function<Key, @Nullable MetadataRecord> here;
  private final long mostBytes;
  private final long beganNanos;
  private final KeptCopies<MetadataRecord> kept;

  /** What homes are to be told that is read here, a second, by key. */
  private Map<Key, Double> toTell = new LinkedHashMap<>();

  private double sweptMs;

  /**
   * @param mostBytes that they may take in memory, if the budget has as much for copies
   * @param here the newest version, with the payload if any tier has it; null if none is known
   */
  KeptPayloads(
      RegionName region,
      RecordStore store,
      Replicator replicator,
      ReplicationManager arm,
      Clock clock,
      Function<Key, @Nullable MetadataRecord> here,
      long mostBytes,
      CopyBudget budget) {
    this.region = region;
    this.store = store;
    this.replicator = replicator;
    this.arm = arm;
    this.clock = clock;
    this.here = here;
    this.mostBytes = mostBytes;
    this.beganNanos = clock.nanoTime();
    this.kept = new KeptCopies<>(Math.min(mostBytes, budget.storedBytes()), arm.room(), copy -> {});
    arm.room().yieldBy(missing -> kept.giveUp(missing, nowMs()));
  }

  /** Any thread. */
  void setBudget(CopyBudget budget) {
    kept.setMaxBytes(Math.min(mostBytes, budget.storedBytes()));
  }

  private double nowMs() {
    return (clock.nanoTime() - beganNanos) / 1e6;
  }

  /** The payload that is kept, which may not be the newest; null if none is. Any thread. */
  @Nullable MetadataRecord get(Key key) {
    return kept.get(key.path(), nowMs());
  }

  /** What there is to say of what {@link #get} returns. Any thread. */
  @Nullable KeptCopy explain(Key key) {
    return kept.explain(key.path(), nowMs());
  }

  /** Whether a payload is of use that is sent unasked. Any thread. */
  boolean wants(Key key) {
    return isInQuestion(key) && (get(key) != null || (kept.hasRoom(nowMs()) && arm.isEnabled()));
  }

  /**
   * Whether it is a question at all: home and backup hold it, and of siblings all are to be held.
   * Any thread.
   */
  boolean isInQuestion(Key key) {
    return !replicator.isToHold(region, key) && !store.conflictRules().of(key).keepsSiblings();
  }

  /** What was published of that which is in question, in its order. */
  void changed(List<Published> changes) {
    changes.forEach(change -> changed(change.record().alone(), change.local()));
  }

  private void changed(MetadataRecord record, boolean local) {
    Key key = record.key();
    CopyTerms terms = terms(key, record.header());
    if (terms == null) {
      kept.drop(key.path());
      return;
    }
    long nowNanos = clock.nanoTime();
    double forMs =
        local ? arm.changedHere(key, terms, nowNanos) : arm.changedElsewhere(key, terms, nowNanos);
    if (record.payload() != null) {
      keep(record, local ? KeptCopy.Cause.WRITTEN : KeptCopy.Cause.SENT, forMs);
    }
  }

  /** A payload came whose header was known. */
  void arrived(MetadataRecord record) {
    CopyTerms terms = terms(record.key(), record.header());
    if (terms != null && isInQuestion(record.key())) {
      double forMs = arm.arrived(record.key(), terms, clock.nanoTime());
      keep(record, KeptCopy.Cause.SENT, forMs);
    }
  }

  private void keep(MetadataRecord record, KeptCopy.Cause cause, double forMs) {
    String path = record.key().path();
    if (forMs > 0 && arm.isEnabled()) {
      kept.put(path, record, cause, bytesOf(record), forMs, nowMs());
    } else {
      kept.drop(path);
    }
  }

  private static long bytesOf(MetadataRecord record) {
    Bytes payload = record.payload();
    return ENTRY_BYTES
        + 2L * record.key().utf8Length()
        + 64L * record.header().version().context().size()
        + (payload == null ? 0 : payload.length());
  }

  /** Null if there is nothing to price. */
  private @Nullable CopyTerms terms(Key key, @Nullable Header known) {
    if (known == null || !known.isVisibleAt(clock.wallMs())) {
      return null;
    }
    FetchPath path = replicator.fetchPath(key, known);
    return path == null
        ? null
        : new CopyTerms(path.from(), region, known.payloadBytes(), path.rttMs());
  }

  void read(AccessEvent event) {
    if (event.outcome() == Outcome.ABSENT || event.outcome() == Outcome.ORIGIN) {
      return;
    }
    Key key = Key.of(event.key());
    if (isInQuestion(key)) {
      try {
        read(key, event);
      } catch (StorageException e) {
        // What cannot be read here now is not kept.
      }
    }
  }

  private void read(Key key, AccessEvent event) {
    CopyTerms terms = terms(key, store.header(key));
    if (terms == null) {
      return;
    }
    boolean cached = event.outcome() == Outcome.HOT || event.outcome() == Outcome.PREFETCHED;
    long nowNanos = clock.nanoTime();
    CopyRead read = arm.readHere(key, terms, cached, nowNanos);
    boolean fetched = event.outcome() == Outcome.REMOTE;
    if (fetched ? read.first() && !terms.from().equals(replicator.homeOf(key)) : read.toTell()) {
      toTell.put(key, arm.readsPerSecond(event.key(), nowNanos));
    }
    if (isCurrent(get(key))) {
      kept.keepOn(key.path(), read.forMs(), nowMs());
    } else if (read.forMs() > 0) {
      MetadataRecord copy = here.apply(key);
      if (copy != null && copy.payload() != null) {
        keep(copy.alone(), KeptCopy.Cause.READ, read.forMs());
      }
    }
  }

  private boolean isCurrent(@Nullable MetadataRecord copy) {
    return copy != null && store.isCurrent(copy.key(), copy.header().version().dot());
  }

  /** Tells what is to be told, and lets go of what has had its time. */
  void tick() {
    if (!toTell.isEmpty()) {
      replicator.tellReads(toTell);
      toTell = new LinkedHashMap<>();
    }
    if (nowMs() - sweptMs >= SWEEP_EVERY_MS) {
      sweptMs = nowMs();
      kept.sweep(sweptMs);
    }
  }

  /** Any thread. */
  KeptStats stats() {
    return kept.stats();
  }
}
