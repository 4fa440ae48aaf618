package io.metafabric.http;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What came cannot be meant: answered with 400, and the field that is wrong. */
public final class BadRequestException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final @Nullable String field;
  private final transient Map<String, Object> facts;

  /**
   * @param field null if it is none alone
   */
  public BadRequestException(@Nullable String field, String message) {
    this(field, message, Map.of());
  }

  private BadRequestException(@Nullable String field, String message, Map<String, Object> facts) {
    super(message);
    this.field = field;
    this.facts = facts;
  }

  /** The same of one line of many, of which those before were taken in. */
  BadRequestException atLine(long line, long taken) {
    var where = new LinkedHashMap<String, Object>();
    where.put("line", line);
    where.put("taken", taken);
    return new BadRequestException(field, "line " + line + ": " + getMessage(), where);
  }

  @Nullable String field() {
    return field;
  }

  Map<String, Object> facts() {
    return facts;
  }
}
