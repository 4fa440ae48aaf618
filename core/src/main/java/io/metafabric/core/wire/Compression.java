package io.metafabric.core.wire;

import io.metafabric.core.error.WireFormatException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** Makes the bodies of large frames smaller. Thread-safe. */
public interface Compression {
  /** What was compressed, or null if it would not be shorter than {@code length}. */
  byte @Nullable [] compress(byte[] from, int offset, int length);

  /**
   * @param plainBytes how long the result must be; the caller has bounded it
   * @throws WireFormatException if {@code in} does not decompress to exactly that
   */
  byte[] decompress(ByteBuffer in, int plainBytes);
}
