package io.metafabric.core.record;

import io.metafabric.core.error.ConfigurationException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * The name of a region: 1 to {@value #MAX_LENGTH} characters of {@code a-z 0-9 -}, beginning with a
 * letter. Immutable.
 */
public record RegionName(String name) implements Comparable<RegionName> {
  public static final int MAX_LENGTH = 63;

  /** Names that were decoded of late: there are few, and every header has one. */
  private static final AtomicReferenceArray<@Nullable RegionName> DECODED =
      new AtomicReferenceArray<>(64);

  public RegionName {
    if (!isValid(name)) {
      throw new ConfigurationException(
          "region name \""
              + name
              + "\" must be 1 to "
              + MAX_LENGTH
              + " characters of a-z 0-9 -, beginning with a letter");
    }
  }

  /**
   * Decodes a name that came from disk or network; mostly one that was decoded before.
   *
   * @throws ConfigurationException if it is none
   */
  public static RegionName decode(byte[] ascii) {
    int place = Arrays.hashCode(ascii) & (DECODED.length() - 1);
    RegionName known = DECODED.get(place);
    if (known != null && known.isEncodedAs(ascii)) {
      return known;
    }
    // Bytes that are not ASCII become characters that no name has.
    var decoded = new RegionName(new String(ascii, StandardCharsets.ISO_8859_1));
    DECODED.set(place, decoded);
    return decoded;
  }

  private boolean isEncodedAs(byte[] ascii) {
    if (ascii.length != name.length()) {
      return false;
    }
    for (int i = 0; i < ascii.length; i++) {
      if (ascii[i] != name.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  private static boolean isValid(String name) {
    if (name.isEmpty() || name.length() > MAX_LENGTH) {
      return false;
    }
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      boolean letter = c >= 'a' && c <= 'z';
      if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '-'))) {
        return false;
      }
    }
    return true;
  }

  @Override
  public int compareTo(RegionName that) {
    return name.compareTo(that.name);
  }

  @Override
  public boolean equals(Object that) {
    return that instanceof RegionName region && name.equals(region.name);
  }

  @Override
  public int hashCode() {
    return name.hashCode();
  }

  @Override
  public String toString() {
    return name;
  }
}
