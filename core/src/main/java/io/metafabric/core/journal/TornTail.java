package io.metafabric.core.journal;

/**
 * Bytes behind the last good frame that had never been made durable; they were cut off.
 *
 * @param keptIn the file in the fabric's directory in which the cut bytes are kept
 */
public record TornTail(String file, long offset, long bytes, String keptIn, String why) {
  static final String PREFIX = "torn-";
}
