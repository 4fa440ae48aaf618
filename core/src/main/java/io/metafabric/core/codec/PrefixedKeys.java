package io.metafabric.core.codec;

import io.metafabric.core.error.InvalidKeyException;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.record.Key;

/**
 * Keys in a row, each told by what it does not share with the one before: shared bytes (varint),
 * length of the rest (varint), the rest. A coder serves one row; not thread-safe.
 */
public final class PrefixedKeys {
  private byte[] before = new byte[0];

  public void write(ByteWriter out, Key key) {
    byte[] utf8 = key.toUtf8();
    int shared = shared(utf8);
    out.varint(shared).varint(utf8.length - shared).bytes(utf8, shared, utf8.length - shared);
    before = utf8;
  }

  /** How many bytes {@link #write} would take for it now. */
  public int bytesOf(Key key) {
    byte[] utf8 = key.toUtf8();
    int shared = shared(utf8);
    int rest = utf8.length - shared;
    return ByteWriter.varintBytes(shared) + ByteWriter.varintBytes(rest) + rest;
  }

  /** As if it had been written; returns the bytes that it would have taken. */
  public int pass(Key key) {
    int bytes = bytesOf(key);
    before = key.toUtf8();
    return bytes;
  }

  private int shared(byte[] key) {
    int end = Math.min(key.length, before.length);
    for (int i = 0; i < end; i++) {
      if (key[i] != before[i]) {
        return i;
      }
    }
    return end;
  }

  /**
   * @throws WireFormatException if it is not what {@link #write} writes
   */
  public Key read(ByteReader in) {
    int shared = in.varint("shared part of a key", 0, before.length);
    int rest = in.varint("rest of a key", 0, Key.MAX_ENCODED_BYTES - shared);
    byte[] utf8 = new byte[shared + rest];
    System.arraycopy(before, 0, utf8, 0, shared);
    in.bytes(utf8, shared, rest, "key");
    if (shared(utf8) != shared) {
      throw new WireFormatException("a key shares more with the one before than said");
    }
    before = utf8;
    try {
      return Key.fromUtf8(utf8);
    } catch (InvalidKeyException e) {
      throw new WireFormatException("not a key: " + e.getMessage(), e);
    }
  }
}
