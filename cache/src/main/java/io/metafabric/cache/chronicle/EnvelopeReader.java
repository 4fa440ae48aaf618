package io.metafabric.cache.chronicle;

import net.openhft.chronicle.bytes.Bytes;
import net.openhft.chronicle.hash.serialization.SizedReader;
import net.openhft.chronicle.wire.WireIn;
import net.openhft.chronicle.wire.WireOut;
import org.jspecify.annotations.Nullable;

/**
 * Reads a value to the beginning of an array that may be longer, so that readers can use one array
 * again and again; an envelope knows its own length. Stateless. The map writes this class's name
 * into its file.
 */
final class EnvelopeReader implements SizedReader<byte[]> {
  /** More than any value that is taken in: a size above it is garbage. */
  private static final long MAX_BYTES = 64 << 20;

  @Override
  @SuppressWarnings("rawtypes")
  public byte[] read(Bytes in, long size, byte @Nullable [] using) {
    if (size < 0 || size > MAX_BYTES) {
      throw new IllegalStateException("a value cannot have " + size + " bytes");
    }
    byte[] target = using == null || using.length < size ? new byte[(int) size] : using;
    in.read(target, 0, (int) size);
    return target;
  }

  /** There is nothing to read. */
  @Override
  public void readMarshallable(WireIn wire) {}

  /** There is nothing to write. */
  @Override
  public void writeMarshallable(WireOut wire) {}
}
