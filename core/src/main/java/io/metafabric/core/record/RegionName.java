package io.metafabric.core.record;

import io.metafabric.core.error.ConfigurationException;

/**
 * The name of a region: 1 to {@value #MAX_LENGTH} characters of {@code a-z 0-9 -}, beginning with a
 * letter. Immutable.
 */
public record RegionName(String name) implements Comparable<RegionName> {
  public static final int MAX_LENGTH = 63;

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
  public String toString() {
    return name;
  }
}
