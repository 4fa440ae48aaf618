package io.metafabric.benchmarks.replication;

import java.nio.ByteBuffer;

/**
 * What the sender tells the receiver, as the value of a key like any other. Both read the same
 * monotonic clock, which processes on one machine share.
 *
 * @param number of this probe, or of the round that is told of
 * @param nanos when it was written, or when the round began
 * @param records in the round
 */
record Probe(long number, long nanos, long records) {
  /** Probes go round this many keys, so that few are overwritten before they were seen. */
  static final int KEYS = 16;

  static final long EVERY_NANOS = 1_000_000;

  /** Which round has ended: of throughput. */
  static final String ROUND = "told/round";

  /** From which probe on they count. */
  static final String COUNT_FROM = "told/from";

  /** Which probe was the last one. */
  static final String COUNT_TO = "told/to";

  private static final int BYTES = 200;

  static String key(long number) {
    return "probe/" + number % KEYS;
  }

  byte[] encoded() {
    return ByteBuffer.allocate(BYTES).putLong(number).putLong(nanos).putLong(records).array();
  }

  static Probe of(byte[] value) {
    var in = ByteBuffer.wrap(value);
    return new Probe(in.getLong(), in.getLong(), in.getLong());
  }
}
