package io.metafabric.core.port;

import java.nio.ByteBuffer;

/**
 * An open file. Reads may run beside writes and each other; writes are the caller's to serialise.
 * An interrupt neither stops an operation nor gets lost.
 */
public interface DiskFile extends AutoCloseable {
  String name();

  long sizeBytes();

  /**
   * Reads at {@code offset} until {@code target} is full or the file ends.
   *
   * @return how many bytes were read; 0 at the end of the file
   */
  int read(long offset, ByteBuffer target);

  /**
   * Writes all of {@code source} at {@code offset}; a gap before it reads as zeros. On failure any
   * part may have been written.
   */
  void write(long offset, ByteBuffer source);

  /** Cuts the file to {@code sizeBytes}; a shorter one stays as it is. */
  void truncate(long sizeBytes);

  /** Returns once everything written is durable (fsync). */
  void sync();

  /** Does not sync. Everything but a second close fails afterwards. */
  @Override
  void close();
}
