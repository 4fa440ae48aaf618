package io.metafabric.merge;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.conflict.ConflictRule;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.record.Bytes;
import java.math.BigInteger;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A number that many add to and subtract from at the same time. Immutable.
 *
 * <p>It has what each writer has added and subtracted; of two states of one writer the larger is
 * the later. So a writer must see its own last addition before the next: one writer a node, and
 * {@code replace} in a loop, will do.
 *
 * <pre>{@code
 * Optional<Versioned> now;
 * Counter next;
 * do {
 *   now = fabric.get("hits/home");
 *   next = now.map(v -> Counter.of(v.bytes())).orElse(Counter.ZERO).plus("eu-1", 1);
 * } while (fabric.replace("hits/home", now.map(Versioned::version).orElse(Version.NONE),
 *     next.toBytes()).isEmpty());
 * }</pre>
 *
 * @see <a href="https://hal.inria.fr/inria-00555588">Shapiro et al., Convergent and Commutative
 *     Replicated Data Types, 2011, PN-counter</a>
 */
public final class Counter {
  public static final Counter ZERO = new Counter(new TreeMap<>());

  private record Sums(long plus, long minus) {
    Sums merge(Sums that) {
      return new Sums(Math.max(plus, that.plus), Math.max(minus, that.minus));
    }
  }

  private final SortedMap<String, Sums> byWriter;

  private Counter(SortedMap<String, Sums> byWriter) {
    this.byWriter = byWriter;
  }

  /**
   * For {@code FabricBuilder.conflicts}. A counter is not removed, nor does it expire: what was
   * added since would be taken for what was added before. Subtract its value instead.
   */
  public static ConflictRule rule() {
    return ConflictRule.merge("counter.1", (a, b) -> decode(a).merge(decode(b)).encode())
        .neverRemoved();
  }

  /**
   * @throws WireFormatException if these are not the bytes of a counter
   */
  public static Counter of(byte[] bytes) {
    return decode(Bytes.copyOf(bytes));
  }

  static Counter decode(Bytes bytes) {
    ByteReader in = Encoding.open(bytes, Encoding.COUNTER, "a counter");
    var byWriter = new TreeMap<String, Sums>();
    int count = in.varint("writers", 0, in.remaining());
    String last = null;
    for (int i = 0; i < count; i++) {
      last = Encoding.nextName(in, last);
      var sums = new Sums(Encoding.counter(in, "sum"), Encoding.counter(in, "sum"));
      if (sums.plus == 0 && sums.minus == 0) {
        throw new WireFormatException("the writer " + last + " has written nothing");
      }
      byWriter.put(last, sums);
    }
    in.end("a counter");
    return new Counter(byWriter);
  }

  public byte[] toBytes() {
    return encode().toArray();
  }

  Bytes encode() {
    ByteWriter out = Encoding.begin(Encoding.COUNTER).varint(byWriter.size());
    byWriter.forEach((writer, sums) -> out.text(writer).varint(sums.plus).varint(sums.minus));
    return Encoding.end(out);
  }

  /** The sum of all; the largest or smallest long if that is beyond it. */
  public long value() {
    var sum = BigInteger.ZERO;
    for (Sums sums : byWriter.values()) {
      sum = sum.add(BigInteger.valueOf(sums.plus)).subtract(BigInteger.valueOf(sums.minus));
    }
    if (sum.bitLength() < Long.SIZE) {
      return sum.longValue();
    }
    return sum.signum() < 0 ? Long.MIN_VALUE : Long.MAX_VALUE;
  }

  /**
   * @param writer who adds: 1 to 255 bytes of UTF-8, one addition at a time
   * @param amount subtracts if it is negative
   * @throws ArithmeticException if a writer's sum leaves the range of a long
   */
  public Counter plus(String writer, long amount) {
    Encoding.requireName(writer, "a writer");
    if (amount == 0) {
      return this;
    }
    @Nullable Sums known = byWriter.get(writer);
    Sums before = known == null ? new Sums(0, 0) : known;
    var next = new TreeMap<>(byWriter);
    next.put(
        writer,
        amount > 0
            ? new Sums(Math.addExact(before.plus, amount), before.minus)
            : new Sums(before.plus, Math.subtractExact(before.minus, amount)));
    return new Counter(next);
  }

  public Counter merge(Counter that) {
    var merged = new TreeMap<>(byWriter);
    for (Map.Entry<String, Sums> each : that.byWriter.entrySet()) {
      merged.merge(each.getKey(), each.getValue(), Sums::merge);
    }
    return new Counter(merged);
  }

  @Override
  public boolean equals(Object that) {
    return that instanceof Counter counter && byWriter.equals(counter.byWriter);
  }

  @Override
  public int hashCode() {
    return byWriter.hashCode();
  }

  @Override
  public String toString() {
    return Long.toString(value());
  }
}
