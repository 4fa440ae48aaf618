package io.metafabric.http;

/**
 * A field of a request, in its body or its query. Immutable.
 *
 * @param name as it is written
 */
public record Field(String name, Type type, boolean required) {
  /** What it is in JSON, and in the description of the endpoints. */
  public enum Type {
    STRING("a string"),
    INTEGER("a whole number");

    private final String words;

    Type(String words) {
      this.words = words;
    }

    boolean fits(Object value) {
      return this == STRING ? value instanceof String : value instanceof Long;
    }
  }

  public static Field text(String name) {
    return new Field(name, Type.STRING, true);
  }

  public static Field wholeNumber(String name) {
    return new Field(name, Type.INTEGER, true);
  }

  public Field optional() {
    return new Field(name, type, false);
  }

  void check(Object value) {
    if (!type.fits(value)) {
      throw new BadRequestException(name, name + " must be " + type.words);
    }
  }
}
