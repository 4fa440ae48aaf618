package io.metafabric.core.journal;

import io.metafabric.core.error.CorruptJournalException;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.error.UnsupportedFormatException;
import io.metafabric.core.error.WireFormatException;

/**
 * A good checksum, and another format behind it: nothing is damaged or torn, but it cannot be read
 * here.
 */
final class OtherFormatException extends WireFormatException {
  private static final long serialVersionUID = 1L;

  private final int found;
  private final int supported;

  OtherFormatException(int found, int supported) {
    super("it has format " + found + ", but this version reads format " + supported);
    this.found = found;
    this.supported = supported;
  }

  /** What to tell of bytes in {@code file} that {@code why} says cannot be read. */
  static StorageException describe(String file, long offset, WireFormatException why) {
    return why instanceof OtherFormatException other
        ? new UnsupportedFormatException(file, other.found, other.supported)
        : new CorruptJournalException(file, offset, String.valueOf(why.getMessage()));
  }
}
