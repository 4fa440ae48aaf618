package io.metafabric.replicate.shadow;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.wire.Frame;
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
  long hitsSeen;
  boolean ending;

  HeldShadow(MetadataRecord record, ShadowTerms terms, long nowNanos) {
    this(record, terms, nowNanos, new ShadowLife(terms.ttlNanos(), nowNanos));
  }

  private HeldShadow(MetadataRecord record, ShadowTerms terms, long madeNanos, ShadowLife life) {
    this.key = record.key();
    this.record = record;
    this.terms = terms;
    this.madeNanos = madeNanos;
    this.life = life;
  }

  /** The same shadow on other terms. */
  HeldShadow renewed(MetadataRecord newer, ShadowTerms terms, long nowNanos) {
    var renewed = new HeldShadow(newer, terms, madeNanos, life.renewed(terms.ttlNanos(), nowNanos));
    renewed.hits = hits;
    renewed.hitsSeen = hitsSeen;
    return renewed;
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
    return ENTRY_BYTES
        + 2L * record.key().utf8Length()
        + 64L * record.header().version().context().size()
        + (payload == null ? 0 : payload.length());
  }
}
