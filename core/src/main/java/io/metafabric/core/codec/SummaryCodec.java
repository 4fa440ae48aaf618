package io.metafabric.core.codec;

import io.metafabric.core.access.AccessSummary;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.record.Key;
import java.util.ArrayList;
import java.util.List;

/** The bytes of access summaries; docs/PROTOCOL.md has them. Stateless. */
public final class SummaryCodec {
  /** None is larger. */
  public static final int MAX_BYTES = 64 << 10;

  /** All keys of one together, whatever they share. */
  public static final int MAX_TEXT_BYTES = 256 << 10;

  /** Whether it is whole, and three counts. */
  public static final int MAX_FIXED_BYTES = 1 + 3 * 3;

  /** A run beside its reads: client, and how many there are. */
  public static final int MAX_RUN_BYTES = 4 + 3;

  /** How much is shared, the length of the rest, and one byte of it. */
  public static final int MIN_KEY_BYTES = 3;

  private static final int MIN_RUN_BYTES = 4 + 1 + 1;

  private SummaryCodec() {}

  public static void write(ByteWriter out, AccessSummary summary) {
    out.u8(summary.whole() ? 1 : 0).varint(summary.keys().size());
    var prefixes = new PrefixedKeys();
    summary.keys().forEach(key -> prefixes.write(out, key));
    out.varint(summary.runs().size());
    for (AccessSummary.Run run : summary.runs()) {
      out.i32(run.client()).varint(run.reads().size());
      int before = -1;
      for (int number : run.reads()) {
        out.varint(step(before, number));
        before = number;
      }
    }
    out.varint(summary.more().size());
    int before = -1;
    for (AccessSummary.More each : summary.more()) {
      out.varint(each.key() - before - 1).varint(each.reads());
      before = each.key();
    }
  }

  /** How many bytes a summary takes. */
  public static int bytesOf(AccessSummary summary) {
    var out = new ByteWriter(1024);
    write(out, summary);
    return out.length();
  }

  /** How many bytes a read takes, told behind another by the same client; -1 if there is none. */
  public static int readBytes(int before, int number) {
    return ByteWriter.varintBytes(step(before, number));
  }

  /** The next number, which is that of a key that is new, is the least. */
  private static long step(int before, int number) {
    int ahead = number - before - 1;
    return ahead >= 0 ? 2L * ahead : -2L * ahead - 1;
  }

  private static int stepped(int before, int step) {
    int ahead = (step & 1) == 0 ? step / 2 : -(step / 2) - 1;
    return before + 1 + ahead;
  }

  /**
   * Reads one that ends where {@code in} does.
   *
   * @throws WireFormatException if it is not what {@link #write} writes, or larger than any may be
   */
  public static AccessSummary read(ByteReader in) {
    if (in.remaining() > MAX_BYTES) {
      throw new WireFormatException("an access summary of " + in.remaining() + " bytes");
    }
    int whole = in.u8("whole");
    if (whole > 1) {
      throw new WireFormatException("whole must be 0 or 1, was " + whole);
    }
    List<Key> keys = readKeys(in);
    List<AccessSummary.Run> runs = readRuns(in, keys.size());
    return new AccessSummary(whole == 1, keys, runs, readMore(in, keys.size()));
  }

  private static List<Key> readKeys(ByteReader in) {
    int count = in.varint("keys that were read", 0, in.remaining() / MIN_KEY_BYTES);
    var keys = new ArrayList<Key>(count);
    var prefixes = new PrefixedKeys();
    int textBytes = 0;
    for (int i = 0; i < count; i++) {
      Key key = prefixes.read(in);
      textBytes += key.utf8Length();
      if (key.isSystem()) {
        throw new WireFormatException("nobody reads " + key);
      }
      if (textBytes > MAX_TEXT_BYTES) {
        throw new WireFormatException(
            "the keys of an access summary take more than " + MAX_TEXT_BYTES + " bytes");
      }
      keys.add(key);
    }
    return keys;
  }

  private static List<AccessSummary.Run> readRuns(ByteReader in, int keys) {
    int count = in.varint("runs", 0, in.remaining() / MIN_RUN_BYTES);
    var runs = new ArrayList<AccessSummary.Run>(count);
    for (int i = 0; i < count; i++) {
      int client = in.i32("client");
      int length = in.varint("reads", 1, in.remaining());
      var reads = new ArrayList<Integer>(length);
      int before = -1;
      for (int j = 0; j < length; j++) {
        int number = stepped(before, in.varint("a read", 0, 2 * MAX_BYTES));
        if (number < 0 || number >= keys || number == before) {
          throw new WireFormatException("a read of key " + number + " behind " + before);
        }
        reads.add(number);
        before = number;
      }
      runs.add(new AccessSummary.Run(client, reads));
    }
    return runs;
  }

  private static List<AccessSummary.More> readMore(ByteReader in, int keys) {
    int count = in.varint("further keys", 0, Math.min(keys, in.remaining() / 2));
    var more = new ArrayList<AccessSummary.More>(count);
    int before = -1;
    for (int i = 0; i < count; i++) {
      int number = before + 1 + in.varint("a key", 0, keys);
      long reads = in.varint("reads");
      if (number >= keys || reads < 1 || reads > AccessSummary.MAX_READS) {
        throw new WireFormatException(reads + " further reads of key " + number);
      }
      more.add(new AccessSummary.More(number, reads));
      before = number;
    }
    return more;
  }
}
