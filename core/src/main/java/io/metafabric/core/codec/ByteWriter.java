package io.metafabric.core.codec;

import io.metafabric.core.record.Bytes;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Grows an array while it is written to; big-endian. Not thread-safe. */
public final class ByteWriter {
  private byte[] array;
  private int length;

  public ByteWriter(int initialBytes) {
    array = new byte[Math.max(16, initialBytes)];
  }

  public int length() {
    return length;
  }

  /**
   * Forgets what was written and keeps the room, unless that has grown beyond {@code keepBytes}.
   */
  public void reset(int keepBytes) {
    length = 0;
    if (array.length > keepBytes) {
      array = new byte[keepBytes];
    }
  }

  /** What was written; a view that the next write may invalidate. */
  public ByteBuffer written() {
    return ByteBuffer.wrap(array, 0, length).slice();
  }

  public byte[] toArray() {
    return Arrays.copyOf(array, length);
  }

  /** What holds the bytes written, from its beginning on; the next write may replace it. */
  public byte[] array() {
    return array;
  }

  public ByteWriter u8(int value) {
    ensure(1);
    array[length++] = (byte) value;
    return this;
  }

  public ByteWriter i32(int value) {
    ensure(4);
    putI32At(length, value);
    length += 4;
    return this;
  }

  public ByteWriter i64(long value) {
    return i32((int) (value >>> 32)).i32((int) value);
  }

  /** Seven bits a byte, lowest first, high bit set on all but the last. */
  public ByteWriter varint(long value) {
    ensure(10);
    long rest = value;
    while ((rest & ~0x7fL) != 0) {
      array[length++] = (byte) (rest | 0x80);
      rest >>>= 7;
    }
    array[length++] = (byte) rest;
    return this;
  }

  /** How many bytes {@link #varint} takes for it. */
  public static int varintBytes(long value) {
    return Math.max(1, (Long.SIZE - Long.numberOfLeadingZeros(value) + 6) / 7);
  }

  public ByteWriter bytes(byte[] value) {
    ensure(value.length);
    System.arraycopy(value, 0, array, length, value.length);
    length += value.length;
    return this;
  }

  public ByteWriter bytes(byte[] value, int offset, int count) {
    ensure(count);
    System.arraycopy(value, offset, array, length, count);
    length += count;
    return this;
  }

  public ByteWriter bytes(Bytes value) {
    ensure(value.length());
    value.putInto(ByteBuffer.wrap(array, length, value.length()));
    length += value.length();
    return this;
  }

  /** The length as a varint, then UTF-8. */
  public ByteWriter text(String value) {
    byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
    return varint(utf8.length).bytes(utf8);
  }

  /** Overwrites four bytes that were written before. */
  public void putI32At(int at, int value) {
    array[at] = (byte) (value >>> 24);
    array[at + 1] = (byte) (value >>> 16);
    array[at + 2] = (byte) (value >>> 8);
    array[at + 3] = (byte) value;
  }

  /** CRC32C of what was written from {@code from} on. */
  public int crc32c(int from) {
    return Checksums.crc32c(array, from, length - from);
  }

  private void ensure(int more) {
    if (array.length - length < more) {
      array = Arrays.copyOf(array, Math.max(array.length * 2, Math.addExact(length, more)));
    }
  }
}
