package io.metafabric.core.fuzz;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What is good, edited, and most of the time with good checksums: the way from there to what a
 * decoder overlooks is shorter than from nothing.
 */
class EditedFuzz {
  private static final List<byte[]> RECORDS = RecordFuzz.seeds().toList();
  private static final List<byte[]> FRAMES = WireFrameFuzz.seeds().toList();
  private static final List<byte[]> BATCHES = SnapshotFuzz.seeds().toList();
  private static final List<Map<String, byte[]>> DIRECTORIES =
      List.of(
          Samples.small(),
          Samples.written(),
          Samples.backup(),
          Samples.compacted(),
          Samples.compactedBesideSources());

  @FuzzTest
  void decode(FuzzedDataProvider data) {
    switch (data.consumeInt(0, 3)) {
      case 0 -> RecordFuzz.check(edited(data.pickValue(RECORDS), data));
      case 1 -> WireFrameFuzz.check(edited(data.pickValue(FRAMES), data));
      case 3 -> SnapshotFuzz.check(edited(data.pickValue(BATCHES), data));
      default -> JournalProbe.holds(editedFiles(data.pickValue(DIRECTORIES), data));
    }
  }

  private static Map<String, byte[]> editedFiles(
      Map<String, byte[]> good, FuzzedDataProvider data) {
    var files = new TreeMap<>(good);
    int edits = data.consumeInt(1, 4);
    for (int i = 0; i < edits && !files.isEmpty(); i++) {
      String name = data.pickValue(new ArrayList<>(files.keySet()));
      switch (data.consumeInt(0, 9)) {
        case 0 -> files.remove(name);
        case 1 -> rename(files, name, data);
        case 2 -> files.put(name, files.get(data.pickValue(new ArrayList<>(files.keySet()))));
        default -> files.put(name, edited(files.get(name), data));
      }
    }
    if (data.consumeInt(0, 3) > 0) {
      files.replaceAll(EditedFuzz::resealed);
    }
    return files;
  }

  private static void rename(Map<String, byte[]> files, String name, FuzzedDataProvider data) {
    String position = String.format("journal-%016x", data.consumeLong(0, 120));
    String to =
        switch (data.consumeInt(0, 3)) {
          case 0 -> Samples.MARK;
          case 1 -> position + ".log";
          case 2 -> String.format("%s-%08x.log", position, data.consumeInt(0, 3));
          default -> "torn-101-journal-0000000000000001.log";
        };
    files.put(to, files.remove(name));
  }

  static byte[] edited(byte[] bytes, FuzzedDataProvider data) {
    int at = data.consumeInt(0, bytes.length);
    return switch (data.consumeInt(0, 7)) {
      case 0 -> spliced(bytes, at, at, data.consumeBytes(40));
      case 1 -> spliced(bytes, at, end(bytes, at, data), new byte[0]);
      case 2 -> spliced(bytes, at, bytes.length, new byte[data.consumeInt(0, 300)]);
      case 3 -> {
        int end = end(bytes, at, data);
        yield spliced(bytes, at, end, new byte[end - at]);
      }
      case 4 -> {
        int from = data.consumeInt(0, bytes.length);
        yield spliced(bytes, at, at, Arrays.copyOfRange(bytes, from, end(bytes, from, data)));
      }
      case 5 -> overwritten(bytes, at, data.consumeBytes(9));
      case 6 -> overwritten(bytes, at, number(data));
      default -> overwritten(bytes, at, new byte[] {data.consumeByte()});
    };
  }

  /** Eight bytes, or the last four of them, among them what lengths and positions break at. */
  private static byte[] number(FuzzedDataProvider data) {
    long[] extremes = {0, -1, 1, Integer.MAX_VALUE, Long.MAX_VALUE, Long.MIN_VALUE, 1L << 61};
    long number = data.consumeBoolean() ? data.pickValue(extremes) : data.consumeLong(-1, 120);
    byte[] eight = ByteBuffer.allocate(Long.BYTES).putLong(number).array();
    return data.consumeBoolean() ? eight : Arrays.copyOfRange(eight, 4, 8);
  }

  private static byte[] overwritten(byte[] bytes, int at, byte[] with) {
    return spliced(bytes, at, Math.min(bytes.length, at + with.length), with);
  }

  private static int end(byte[] bytes, int at, FuzzedDataProvider data) {
    return at + data.consumeInt(0, Math.min(400, bytes.length - at));
  }

  /** {@code part} in place of what is from {@code from} to {@code to}. */
  private static byte[] spliced(byte[] bytes, int from, int to, byte[] part) {
    var spliced = new byte[bytes.length - (to - from) + part.length];
    System.arraycopy(bytes, 0, spliced, 0, from);
    System.arraycopy(part, 0, spliced, from, part.length);
    System.arraycopy(bytes, to, spliced, from + part.length, bytes.length - to);
    return spliced;
  }

  private static byte[] resealed(String name, byte[] bytes) {
    if (name.equals(Samples.MARK)) {
      return Resealed.mark(bytes);
    }
    boolean compacted = name.indexOf('-') != name.lastIndexOf('-');
    return compacted ? Resealed.compacted(bytes) : Resealed.segment(bytes);
  }
}
