package io.metafabric.merge;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.conflict.ConflictRule;
import io.metafabric.core.record.Bytes;

/**
 * A number of which the largest that was written counts: a high-water mark, the time when something
 * was seen last. Immutable.
 *
 * @param value the number
 */
public record Max(long value) {
  /** For {@code FabricBuilder.conflicts}. */
  public static ConflictRule rule() {
    return ConflictRule.merge("max.1", (a, b) -> decode(a).merge(decode(b)).encode());
  }

  /**
   * @throws io.metafabric.core.error.WireFormatException if these are not the bytes of one
   */
  public static Max of(byte[] bytes) {
    return decode(Bytes.copyOf(bytes));
  }

  static Max decode(Bytes bytes) {
    ByteReader in = Encoding.open(bytes, Encoding.MAX, "a maximum");
    var max = new Max(in.i64("value"));
    in.end("a maximum");
    return max;
  }

  public byte[] toBytes() {
    return encode().toArray();
  }

  Bytes encode() {
    return Encoding.end(Encoding.begin(Encoding.MAX).i64(value));
  }

  public Max merge(Max that) {
    return value >= that.value ? this : that;
  }
}
