package io.metafabric.core.wire;

import io.metafabric.core.error.WireFormatException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** Makes the bodies of large frames smaller. Thread-safe. */
public interface Compression {
  /** What was compressed, or null if it would not be shorter than {@code length}. */
  byte @Nullable [] compress(byte[] from, int offset, int length);

  /**
   * Fills {@code to} from {@code offset} on.
   *
   * @throws WireFormatException if {@code in} does not decompress to exactly as many bytes
   */
  void decompress(ByteBuffer in, byte[] to, int offset);
}
