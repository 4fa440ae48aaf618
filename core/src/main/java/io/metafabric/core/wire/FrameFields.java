package io.metafabric.core.wire;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.Dot;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Fields that frames of several families have. Stateless. */
final class FrameFields {
  private static final int MAX_TEXT_BYTES = 1024;

  private FrameFields() {}

  static long readCounter(ByteReader in, String what) {
    long counter = in.varint(what);
    if (counter < 0) {
      throw new WireFormatException(what + " must be >= 0, was " + counter);
    }
    return counter;
  }

  static void writeFlag(ByteWriter out, boolean flag) {
    out.u8(flag ? 1 : 0);
  }

  static boolean readFlag(ByteReader in, String what) {
    int flag = in.u8(what);
    if (flag > 1) {
      throw new WireFormatException(what + " must be 0 or 1, was " + flag);
    }
    return flag == 1;
  }

  static void writeOptionalDot(ByteWriter out, @Nullable Dot dot) {
    writeFlag(out, dot != null);
    if (dot != null) {
      RecordCodec.writeDot(out, dot);
    }
  }

  static @Nullable Dot readOptionalDot(ByteReader in, String what) {
    return readFlag(in, what) ? RecordCodec.readDot(in) : null;
  }

  static void writeKeys(ByteWriter out, List<Key> keys) {
    out.varint(keys.size());
    keys.forEach(key -> RecordCodec.writeKey(out, key));
  }

  static List<Key> readKeys(ByteReader in) {
    return readList(in, "keys", RecordCodec::readKey);
  }

  static <T> List<T> readList(ByteReader in, String what, Function<ByteReader, T> item) {
    // Every item has at least two bytes, so the count cannot claim more than what is there.
    int count = in.varint(what, 0, in.remaining() / 2);
    var items = new ArrayList<T>(Math.min(count, 1024));
    for (int i = 0; i < count; i++) {
      items.add(item.apply(in));
    }
    return items;
  }

  static void writeTimes(ByteWriter out, SortedMap<RegionName, Long> ms) {
    out.varint(ms.size());
    ms.forEach(
        (region, each) -> {
          RecordCodec.writeRegion(out, region);
          out.varint(each);
        });
  }

  static SortedMap<RegionName, Long> readTimes(ByteReader in, int most, String what) {
    var times = new TreeMap<RegionName, Long>();
    int count = in.varint("regions", 0, Math.min(most, in.remaining() / 3));
    for (int i = 0; i < count; i++) {
      RegionName region = RecordCodec.readRegion(in);
      if (!times.isEmpty() && times.lastKey().compareTo(region) >= 0) {
        throw new WireFormatException("the regions are not in order at " + region);
      }
      times.put(region, readCounter(in, what));
    }
    return times;
  }

  /** Messages name all regions, which may be more than fit; the beginning says most. */
  static void writeMessage(ByteWriter out, String text) {
    out.text(fitting(text));
  }

  private static String fitting(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    if (utf8.length <= MAX_TEXT_BYTES) {
      return text;
    }
    int end = MAX_TEXT_BYTES;
    while ((utf8[end] & 0xc0) == 0x80) {
      end--;
    }
    return new String(utf8, 0, end, StandardCharsets.UTF_8);
  }

  static String readText(ByteReader in, String what) {
    return in.text(what, MAX_TEXT_BYTES);
  }
}
