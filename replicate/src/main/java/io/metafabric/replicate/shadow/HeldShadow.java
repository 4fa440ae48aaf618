package io.metafabric.replicate.shadow;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.wire.Frame;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/**
 * A shadow that this region has. Only its record and hits are read by others than the shelf, under
 * its lock.
 */
final class HeldShadow {
  /** The entry, its life, the record and what is in it, without characters and payload. */
  private static final int ENTRY_BYTES = 640;

  final Key key;
  final ShadowTerms terms;
  final long madeNanos;
  ShadowLife life;
  MetadataRecord record;
  long hits;
  boolean ending;

  // What follows is since it was looked at last.
  private long lookedNanos;
  private long reads;
  private Map<RegionName, Long> fetches = Map.of();
  private long updates;
  private long updateBytes;
  private long readBytes;

  /** Of the last update, if nobody has read it. */
  private long unreadBytes;

  HeldShadow(MetadataRecord record, ShadowTerms terms, long nowNanos) {
    this(record, terms, nowNanos, new ShadowLife(terms.ttlNanos(), nowNanos));
  }

  private HeldShadow(MetadataRecord record, ShadowTerms terms, long madeNanos, ShadowLife life) {
    this.key = record.key();
    this.record = record;
    this.terms = terms;
    this.madeNanos = madeNanos;
    this.lookedNanos = madeNanos;
    this.life = life;
  }

  /** The same shadow on other terms. */
  HeldShadow renewed(MetadataRecord newer, ShadowTerms terms, long nowNanos) {
    var renewed = new HeldShadow(newer, terms, madeNanos, life.renewed(terms.ttlNanos(), nowNanos));
    renewed.hits = hits;
    renewed.lookedNanos = lookedNanos;
    renewed.reads = reads;
    renewed.fetches = fetches;
    renewed.updates = updates;
    renewed.updateBytes = updateBytes;
    renewed.readBytes = readBytes;
    renewed.unreadBytes = unreadBytes;
    return renewed;
  }

  /**
   * A read of its key.
   *
   * @param waited for another region, so that it was of no use
   */
  void read(boolean waited) {
    hits++;
    if (!waited) {
      reads++;
      readBytes += unreadBytes;
      unreadBytes = 0;
    }
  }

  /** Another region has read it. */
  void fetched(RegionName by) {
    hits++;
    readBytes += unreadBytes;
    unreadBytes = 0;
    if (fetches.isEmpty()) {
      fetches = new TreeMap<>();
    }
    fetches.merge(by, 1L, Long::sum);
  }

  /** A newer payload was sent for it. */
  void updated(int payloadBytes) {
    updates++;
    updateBytes += payloadBytes;
    unreadBytes = payloadBytes;
  }

  /** What came of it since it was looked at last, and what is to become of it. */
  ShadowShelf.Due look(long nowNanos) {
    var due =
        new ShadowShelf.Due(
            key,
            record.header(),
            terms,
            new ShadowShelf.Used(
                reads,
                fetches,
                updates,
                updateBytes,
                readBytes,
                Math.max(0, nowNanos - lookedNanos)),
            life.longerNanos());
    ending = true;
    lookedNanos = nowNanos;
    reads = 0;
    fetches = Map.of();
    updates = 0;
    // Whoever reads it yet is one of the next look.
    updateBytes = 0;
    readBytes = 0;
    unreadBytes = 0;
    return due;
  }

  Frame.ShadowFacts facts(long nowNanos) {
    return new Frame.ShadowFacts(
        record.header().version().dot(),
        terms.reason(),
        TimeUnit.NANOSECONDS.toMillis(Math.max(0, nowNanos - madeNanos)),
        TimeUnit.NANOSECONDS.toMillis(life.leftNanos(nowNanos)),
        hits);
  }

  long bytes() {
    return bytesOf(record);
  }

  static long bytesOf(MetadataRecord record) {
    Bytes payload = record.payload();
    return bytesOf(record.key(), record.header(), payload == null ? 0 : payload.length());
  }

  /** Of one with so many bytes of payload. */
  static long bytesOf(Key key, Header header, long payloadBytes) {
    return ENTRY_BYTES
        + 2L * key.utf8Length()
        + 64L * header.version().context().size()
        + payloadBytes;
  }
}
