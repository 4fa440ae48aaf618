package io.metafabric.replicate.zstd;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdException;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.wire.Compression;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Zstandard at its fastest level: a batch of similar records becomes a third. Thread-safe. */
public final class ZstdCompression implements Compression {
  private static final int LEVEL = 1;
  private static final int KEPT_BYTES = 128 << 10;

  /** Serves frame after frame; a thread that finds it taken makes another. */
  private final AtomicReference<byte @Nullable []> spare = new AtomicReference<>();

  private ZstdCompression() {}

  /**
   * Null where its library cannot be loaded: on a system that it does not know, or one that lets
   * nothing run from the directory of temporary files. Regions then send plain frames.
   */
  public static @Nullable Compression load() {
    try {
      // The first use loads it.
      return Zstd.compressBound(1) > 0 ? new ZstdCompression() : null;
    } catch (LinkageError e) {
      return null;
    }
  }

  @Override
  public byte @Nullable [] compress(byte[] from, int offset, int length) {
    byte[] kept = spare.getAndSet(null);
    byte[] to = kept == null || kept.length < length ? new byte[length] : kept;
    byte[] compressed = compress(to, from, offset, length);
    if (to.length <= KEPT_BYTES) {
      spare.set(to);
    }
    return compressed;
  }

  private static byte @Nullable [] compress(byte[] to, byte[] from, int offset, int length) {
    int written;
    try {
      written = (int) Zstd.compressByteArray(to, 0, length, from, offset, length, LEVEL);
    } catch (ZstdException e) {
      return null; // there is no room for it in as many bytes as it has
    }
    return written < length ? Arrays.copyOf(to, written) : null;
  }

  @Override
  public void decompress(ByteBuffer in, byte[] to, int offset) {
    int plainBytes = to.length - offset;
    byte[] compressed = new byte[in.remaining()];
    in.get(compressed);
    long written;
    try {
      written = Zstd.decompressByteArray(to, offset, plainBytes, compressed, 0, compressed.length);
    } catch (ZstdException e) {
      throw new WireFormatException("what is compressed is damaged: " + e.getMessage(), e);
    }
    if (Zstd.isError(written)) {
      throw new WireFormatException("what is compressed is damaged: " + Zstd.getErrorName(written));
    }
    if (written != plainBytes) {
      throw new WireFormatException(
          "what is compressed has " + written + " bytes, not " + plainBytes + " as said");
    }
  }
}
