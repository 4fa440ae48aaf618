package io.metafabric.http;

import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.stream.Collectors;

/** The fields of one request, or of one line of it: those that it must and may have. Immutable. */
public final class Fields {
  private final Map<String, Object> values;

  private Fields(Map<String, Object> values) {
    this.values = values;
  }

  /**
   * @throws BadRequestException if one is missing, unknown, or not of its type
   */
  static Fields checked(List<Field> known, Map<String, Object> values) {
    for (String name : values.keySet()) {
      if (known.stream().noneMatch(field -> field.name().equals(name))) {
        throw new BadRequestException(
            name,
            "there is no field \""
                + name
                + "\" here, but "
                + (known.isEmpty()
                    ? "none"
                    : known.stream().map(Field::name).collect(Collectors.joining(", "))));
      }
    }
    for (Field field : known) {
      Object value = values.get(field.name());
      if (value != null) {
        field.check(value);
      } else if (field.required()) {
        throw new BadRequestException(field.name(), field.name() + " is missing");
      }
    }
    return new Fields(Map.copyOf(values));
  }

  /** One that is required. */
  public String text(String name) {
    if (values.get(name) instanceof String text) {
      return text;
    }
    throw new IllegalArgumentException(name + " is no required text");
  }

  /**
   * One that is required.
   *
   * @throws BadRequestException if it is out of its bounds
   */
  public long wholeNumber(String name, long least, long most) {
    return optionalWholeNumber(name, least, most)
        .orElseThrow(() -> new IllegalArgumentException(name + " is no required number"));
  }

  /**
   * @throws BadRequestException if it is out of its bounds
   */
  public OptionalLong optionalWholeNumber(String name, long least, long most) {
    if (!(values.get(name) instanceof Long number)) {
      return OptionalLong.empty();
    }
    if (number < least || number > most) {
      throw new BadRequestException(
          name, name + " must be " + least + " to " + most + ", was " + number);
    }
    return OptionalLong.of(number);
  }
}
