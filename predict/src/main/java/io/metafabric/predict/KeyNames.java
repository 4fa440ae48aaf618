package io.metafabric.predict;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The names of a {@link KeyTable}'s slots, in one byte array: of each the number of what it shares
 * with others, its further length, and its further characters, in one byte each if all of them fit
 * into one, else in two. A {@code String} each would take two to four times as much.
 *
 * <p>What leaves is garbage until the array is full; then it is copied without it. Not thread-safe.
 */
final class KeyNames {
  private static final int FIRST_BYTES = 256;

  /**
   * Of what is alive, one byte in so many has to be free when all is copied, or it is too often.
   */
  private static final int LEAST_SLACK = 16;

  private static final int SLACK = 8;
  private static final int MOST_VARINT_BYTES = 5;

  /** An array has no more; half of it, so that a copy with some slack is possible too. */
  private static final long MOST_BYTES = 1L << 30;

  /** Of a shared beginning that a name may bring: its entry, its characters, and growth. */
  private static final int BEGINNING_BYTES = 64;

  private final SharedBeginnings beginnings;

  /** Where each slot's name is; 0 for none. */
  private int[] at = new int[0];

  private byte[] bytes = new byte[FIRST_BYTES];
  private int used = 1;
  private int live;

  /** Of the name that was looked at last: what it shares, where the rest begins and how it is. */
  private int shared;

  private int rest;
  private int length;
  private boolean wide;

  /**
   * @param seed of {@link SharedBeginnings}
   */
  KeyNames(long seed) {
    this.beginnings = new SharedBeginnings(seed);
  }

  void ensureCapacity(int slots) {
    if (slots > at.length) {
      at = Arrays.copyOf(at, slots);
    }
  }

  boolean has(int slot) {
    return at[slot] != 0;
  }

  /** Whether a name can be added with all names in {@code most} bytes then. */
  boolean hasRoom(String name, long most) {
    int need = mostBytes(name);
    long others =
        beginnings.retainedBytes()
            + beginnings.growthBytes()
            + BEGINNING_BYTES
            + 2L * name.length();
    boolean fits = used + need <= bytes.length && bytes.length + others <= most;
    return fits
        || withSlack((long) live + need, LEAST_SLACK) + others <= Math.min(most, MOST_BYTES);
  }

  private static int mostBytes(String name) {
    return 2 * MOST_VARINT_BYTES + 2 * name.length();
  }

  private static long withSlack(long bytes, int share) {
    return bytes + bytes / share;
  }

  /**
   * @param slot without a name
   * @param most bytes for all names; it takes more only if that is too little for this one
   */
  void put(int slot, String name, long most) {
    int number = beginnings.use(name);
    int need = mostBytes(name);
    if (used + need > bytes.length || retainedBytes() > most) {
      copyWithRoomFor(need, most - beginnings.retainedBytes());
    }
    int from = used;
    int begin = beginnings.text(number).length();
    boolean isWide = isWide(name, begin);
    at[slot] = from;
    writeVarint(number);
    writeVarint((name.length() - begin) << 1 | (isWide ? 1 : 0));
    for (int i = begin; i < name.length(); i++) {
      char c = name.charAt(i);
      bytes[used++] = (byte) c;
      if (isWide) {
        bytes[used++] = (byte) (c >>> 8);
      }
    }
    live += used - from;
  }

  private static boolean isWide(String name, int from) {
    for (int i = from; i < name.length(); i++) {
      if (name.charAt(i) > 0xff) {
        return true;
      }
    }
    return false;
  }

  private void copyWithRoomFor(int need, long most) {
    long wanted = Math.min(withSlack((long) live + need, SLACK) + FIRST_BYTES, most);
    var copy = new byte[(int) Math.max(wanted, (long) live + need + 1)];
    int end = 1;
    for (int slot = 0; slot < at.length; slot++) {
      if (at[slot] != 0) {
        int entry = lookAt(slot);
        System.arraycopy(bytes, at[slot], copy, end, entry);
        at[slot] = end;
        end += entry;
      }
    }
    bytes = copy;
    used = end;
  }

  void remove(int slot) {
    live -= lookAt(slot);
    beginnings.release(shared);
    at[slot] = 0;
  }

  boolean is(int slot, String name) {
    lookAt(slot);
    String begin = beginnings.text(shared);
    if (begin.length() + length != name.length() || !name.startsWith(begin)) {
      return false;
    }
    int from = rest;
    int step = wide ? 2 : 1;
    for (int i = begin.length(); i < name.length(); i++) {
      char c = name.charAt(i);
      if (bytes[from] != (byte) c || (wide ? bytes[from + 1] != (byte) (c >>> 8) : c > 0xff)) {
        return false;
      }
      from += step;
    }
    return true;
  }

  String name(int slot) {
    lookAt(slot);
    String end =
        wide
            ? new String(bytes, rest, 2 * length, StandardCharsets.UTF_16LE)
            : new String(bytes, rest, length, StandardCharsets.ISO_8859_1);
    return shared == SharedBeginnings.NONE ? end : beginnings.text(shared).concat(end);
  }

  /** How many bytes the slot's entry has. */
  private int lookAt(int slot) {
    rest = at[slot];
    shared = readVarint();
    int coded = readVarint();
    wide = (coded & 1) != 0;
    length = coded >>> 1;
    return rest - at[slot] + (wide ? 2 * length : length);
  }

  private int readVarint() {
    int value = 0;
    int shift = 0;
    int next = bytes[rest++];
    while (next < 0) {
      value |= (next & 0x7f) << shift;
      shift += 7;
      next = bytes[rest++];
    }
    return value | next << shift;
  }

  private void writeVarint(int value) {
    int left = value;
    while (left > 0x7f) {
      bytes[used++] = (byte) (left | 0x80);
      left >>>= 7;
    }
    bytes[used++] = (byte) left;
  }

  /** Of one name, about; with its part of what is shared. */
  long bytesEach(int names) {
    return (withSlack(live, LEAST_SLACK) + beginnings.retainedBytes()) / names + 1;
  }

  /** Without where each slot's name is, which is counted with the slots. */
  long retainedBytes() {
    return bytes.length + beginnings.retainedBytes();
  }
}
