package io.metafabric.core.record;

import io.metafabric.core.error.InvalidKeyException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * The name of a record: {@code namespace/id}, at most {@value #MAX_BYTES} bytes of UTF-8.
 *
 * <p>The namespace is 1 to 64 characters of {@code a-z 0-9 . _ -}; the id is anything that is not
 * empty, slashes included, but no control characters and no half surrogate pairs, so that every key
 * has exactly one encoding. Immutable.
 *
 * <p>A namespace that begins with {@code ~} is the fabric's own: such records are kept and
 * replicated like any other, in every region with their payload, but no host can name them.
 */
public final class Key implements Comparable<Key> {
  public static final int MAX_BYTES = 1024;
  public static final int MAX_NAMESPACE_LENGTH = 64;

  /** No key on disk or in a frame is longer: one of the fabric's own may name another key. */
  public static final int MAX_ENCODED_BYTES = MAX_BYTES + 32;

  private static final char SYSTEM = '~';

  private final String path;
  private final int slash;
  private final int utf8Length;

  private Key(String path, int slash, int utf8Length) {
    this.path = path;
    this.slash = slash;
    this.utf8Length = utf8Length;
  }

  /**
   * @throws InvalidKeyException if {@code path} is not of the form above; the message says why
   */
  public static Key of(String path) {
    if (path == null) {
      throw new InvalidKeyException("a key must not be null; use namespace/id");
    }
    int slash = path.indexOf('/');
    if (slash < 1 || slash == path.length() - 1) {
      throw invalid(path, "must be namespace/id with both parts, for example catalogue/42");
    }
    return checked(path, slash, 0, MAX_BYTES);
  }

  /**
   * A key of the fabric's own.
   *
   * @param namespace without the sign that marks it
   */
  public static Key system(String namespace, String id) {
    return checkedSystem(SYSTEM + namespace + '/' + id);
  }

  private static Key checkedSystem(String path) {
    int slash = path.indexOf('/');
    if (slash < 2 || slash == path.length() - 1) {
      throw invalid(path, "must be ~namespace/id with both parts");
    }
    return checked(path, slash, 1, MAX_ENCODED_BYTES);
  }

  private static Key checked(String path, int slash, int from, int maxBytes) {
    if (slash > MAX_NAMESPACE_LENGTH) {
      throw invalid(path, "has a namespace of more than " + MAX_NAMESPACE_LENGTH + " characters");
    }
    for (int i = from; i < slash; i++) {
      char c = path.charAt(i);
      if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-')) {
        throw invalid(path, "has a namespace with other characters than a-z 0-9 . _ -");
      }
    }
    return new Key(path, slash, checkedUtf8Length(path, slash + 1, maxBytes));
  }

  private static int checkedUtf8Length(String path, int from, int maxBytes) {
    int bytes = from;
    for (int i = from; i < path.length(); i++) {
      char c = path.charAt(i);
      if (c < 0x20 || (c >= 0x7f && c < 0xa0)) {
        throw invalid(path, "has a control character at index " + i);
      }
      if (Character.isSurrogate(c)) {
        boolean pair =
            Character.isHighSurrogate(c)
                && i + 1 < path.length()
                && Character.isLowSurrogate(path.charAt(i + 1));
        if (!pair) {
          throw invalid(path, "has half a surrogate pair at index " + i);
        }
        i++;
        bytes += 4;
      } else {
        bytes += c < 0x80 ? 1 : c < 0x800 ? 2 : 3;
      }
    }
    if (bytes > maxBytes) {
      throw invalid(path, "is " + bytes + " bytes of UTF-8, more than " + maxBytes);
    }
    return bytes;
  }

  private static InvalidKeyException invalid(String path, String why) {
    return new InvalidKeyException("key " + printable(path) + " " + why);
  }

  private static String printable(String path) {
    var text = new StringBuilder("\"");
    for (int i = 0; i < Math.min(path.length(), 80); i++) {
      char c = path.charAt(i);
      text.append(Character.isISOControl(c) || Character.isSurrogate(c) ? '?' : c);
    }
    return text.append(path.length() > 80 ? "...\"" : "\"").toString();
  }

  /** Decodes and checks a key that came from disk or network. */
  public static Key fromUtf8(byte[] utf8) {
    if (isAscii(utf8)) {
      // Nearly always, and then there is nothing to check.
      return userOrSystem(new String(utf8, StandardCharsets.ISO_8859_1));
    }
    try {
      return userOrSystem(
          StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(utf8)).toString());
    } catch (CharacterCodingException e) {
      throw new InvalidKeyException("a key of " + utf8.length + " bytes is not UTF-8");
    }
  }

  private static Key userOrSystem(String path) {
    return !path.isEmpty() && path.charAt(0) == SYSTEM ? checkedSystem(path) : of(path);
  }

  private static boolean isAscii(byte[] bytes) {
    for (byte each : bytes) {
      if (each < 0) {
        return false;
      }
    }
    return true;
  }

  /** Whether {@code utf8} is this key; false for some that are, where one is not ASCII. */
  public boolean isSurely(byte[] utf8) {
    if (utf8.length != path.length()) {
      return false;
    }
    for (int i = 0; i < utf8.length; i++) {
      if (utf8[i] != path.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  public byte[] toUtf8() {
    return path.getBytes(StandardCharsets.UTF_8);
  }

  public String namespace() {
    return path.substring(0, slash);
  }

  public String id() {
    return path.substring(slash + 1);
  }

  /** Whether it is one of the fabric's own. */
  public boolean isSystem() {
    return path.charAt(0) == SYSTEM;
  }

  /** The whole key, {@code namespace/id}. */
  public String path() {
    return path;
  }

  public int utf8Length() {
    return utf8Length;
  }

  @Override
  public int compareTo(Key that) {
    return path.compareTo(that.path);
  }

  @Override
  public boolean equals(Object that) {
    return that instanceof Key key && path.equals(key.path);
  }

  @Override
  public int hashCode() {
    return path.hashCode();
  }

  @Override
  public String toString() {
    return path;
  }
}
