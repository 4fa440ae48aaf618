package io.metafabric.replicate.zstd;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdException;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.wire.DeltaCoding;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Deltas by Zstandard: the base is its raw dictionary. A frame of it without magic number, length
 * and checksum, which the header of the record has. Not thread-safe.
 */
public final class ZstdDeltas implements DeltaCoding {
  /** A tenth shorter than level 1 for a fifth more time; beyond it time alone grows. */
  private static final int LEVEL = 3;

  /** Little-endian: what begins with this would be read as a trained dictionary. */
  private static final byte[] DICTIONARY_MAGIC = {0x37, (byte) 0xa4, 0x30, (byte) 0xec};

  private final ZstdCompressCtx compressing = new ZstdCompressCtx();
  private final ZstdDecompressCtx decompressing = new ZstdDecompressCtx();

  private ZstdDeltas() {
    setCompressing();
    setDecompressing();
  }

  private void setCompressing() {
    compressing
        .setLevel(LEVEL)
        .setMagicless(true)
        .setContentSize(false)
        .setChecksum(false)
        .setDictID(false);
  }

  private void setDecompressing() {
    decompressing.setMagicless(true);
  }

  /** Null where its library cannot be loaded, as {@link ZstdCompression#load}. */
  public static @Nullable DeltaCoding load() {
    try {
      // The first use loads it.
      return Zstd.compressBound(1) > 0 ? new ZstdDeltas() : null;
    } catch (LinkageError e) {
      return null;
    }
  }

  @Override
  public @Nullable Bytes encode(Bytes base, Bytes value) {
    byte[] before = base.toArray();
    if (isTrained(before)) {
      return null;
    }
    byte[] from = value.toArray();
    byte[] to = new byte[(int) Zstd.compressBound(from.length)];
    int written;
    try {
      compressing.loadDict(before);
      written = compressing.compressByteArray(to, 0, to.length, from, 0, from.length);
    } catch (ZstdException e) {
      // It may be in the middle of something, and would refuse whatever comes next.
      compressing.reset();
      setCompressing();
      return null;
    }
    return written < from.length ? Bytes.copyOf(to, 0, written) : null;
  }

  @Override
  public Bytes decode(Bytes base, Bytes delta, int valueBytes) {
    byte[] before = base.toArray();
    if (isTrained(before)) {
      throw new WireFormatException("a delta by what is no base for any");
    }
    byte[] from = delta.toArray();
    byte[] to = new byte[valueBytes];
    int written;
    try {
      decompressing.loadDict(before);
      written = decompressing.decompressByteArray(to, 0, valueBytes, from, 0, from.length);
    } catch (ZstdException e) {
      decompressing.reset();
      setDecompressing();
      throw new WireFormatException("a delta is damaged: " + e.getMessage(), e);
    }
    if (written != valueBytes) {
      throw new WireFormatException(
          "a delta comes to " + written + " bytes, not " + valueBytes + " as said");
    }
    return Bytes.copyOf(to);
  }

  private static boolean isTrained(byte[] base) {
    return base.length >= DICTIONARY_MAGIC.length
        && Arrays.equals(base, 0, DICTIONARY_MAGIC.length, DICTIONARY_MAGIC, 0, 4);
  }

  @Override
  public void close() {
    compressing.close();
    decompressing.close();
  }
}
