package io.metafabric.replicate.zstd;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdDictTrainer;
import com.github.luben.zstd.ZstdException;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.wire.DeltaCoding;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.TrainedDictionary;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Deltas by Zstandard: the base is its raw dictionary, or one that it has trained. A frame of it
 * without magic number, length and checksum, which the header of the record has. Not thread-safe,
 * but for the training.
 */
public final class ZstdDeltas implements DeltaCoding {
  /** A tenth shorter than level 1 for a fifth more time; beyond it time alone grows. */
  private static final int LEVEL = 3;

  /** Little-endian: what begins with this would be read as a trained dictionary. */
  private static final byte[] DICTIONARY_MAGIC = {0x37, (byte) 0xa4, 0x30, (byte) 0xec};

  /** One sample of so many is left for what a dictionary is measured by. */
  private static final int HELD_OUT_OF = 4;

  private final ZstdCompressCtx compressing = new ZstdCompressCtx();
  private final ZstdDecompressCtx decompressing = new ZstdDecompressCtx();

  private ZstdDeltas() {
    setCompressing();
    setDecompressing();
  }

  private void setCompressing() {
    set(compressing);
  }

  private static void set(ZstdCompressCtx context) {
    context
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
    return isTrained(before) ? null : encode(before, value.toArray());
  }

  @Override
  public @Nullable Bytes encodeBy(Bytes dictionary, Bytes value) {
    return encode(dictionary.toArray(), value.toArray());
  }

  private @Nullable Bytes encode(byte[] dictionary, byte[] from) {
    byte[] to = new byte[(int) Zstd.compressBound(from.length)];
    int written;
    try {
      compressing.loadDict(dictionary);
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
    return decode(before, delta, valueBytes);
  }

  @Override
  public Bytes decodeBy(Bytes dictionary, Bytes told, int valueBytes) {
    return decode(dictionary.toArray(), told, valueBytes);
  }

  private Bytes decode(byte[] dictionary, Bytes delta, int valueBytes) {
    byte[] from = delta.toArray();
    byte[] to = new byte[valueBytes];
    int written;
    try {
      decompressing.loadDict(dictionary);
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

  @Override
  public @Nullable TrainedDictionary train(List<Bytes> samples, int maxBytes) {
    int bytes = samples.stream().mapToInt(Bytes::length).sum();
    var trainer = new ZstdDictTrainer(bytes, maxBytes);
    var heldOut = new ArrayList<byte[]>();
    for (int i = 0; i < samples.size(); i++) {
      byte[] sample = samples.get(i).toArray();
      if (i % HELD_OUT_OF == 0) {
        heldOut.add(sample);
      } else {
        trainer.addSample(sample);
      }
    }
    try {
      return measured(trainer.trainSamples(), heldOut);
    } catch (ZstdException e) {
      return null; // too few, or nothing is in two of them
    }
  }

  private static TrainedDictionary measured(byte[] dictionary, List<byte[]> values) {
    double bytes = 0;
    double whole = 0;
    double told = 0;
    try (var context = new ZstdCompressCtx()) {
      set(context);
      for (byte[] value : values) {
        bytes += value.length;
        whole += Math.min(value.length, context.compress(value).length);
      }
      for (byte[] value : values) {
        context.loadDict(dictionary);
        int length = context.compress(value).length + Frame.Told.OVERHEAD_BYTES;
        told += Math.min(value.length, length);
      }
    }
    return new TrainedDictionary(Bytes.copyOf(dictionary), whole / bytes, told / bytes);
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
