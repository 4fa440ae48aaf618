package io.metafabric.http;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a request is answered with. Immutable.
 *
 * @param json owned by the answer
 * @param headers besides those that every answer has
 * @param refusal why nothing was done; null if it was, or was tried
 */
@SuppressWarnings("ArrayRecordComponent") // never compared, and written once
public record Answer(
    int status, byte[] json, Map<String, String> headers, @Nullable HttpRefusal refusal) {
  public Answer {
    headers = Map.copyOf(headers);
  }

  /**
   * @param body strings, numbers, booleans, and lists and maps of them
   */
  public static Answer of(int status, Map<String, ?> body) {
    return new Answer(status, Json.text(body), Map.of(), null);
  }

  /** Something that is JSON already. */
  public static Answer ofJson(byte[] json) {
    return new Answer(200, json.clone(), Map.of(), null);
  }

  /** What was asked for could not be done now. */
  public static Answer failure(int status, String error) {
    return of(status, Map.of("error", error));
  }

  static Answer refusal(int status, HttpRefusal reason, String error) {
    return refusal(status, reason, error, Map.of());
  }

  /**
   * @param facts what else there is to say
   */
  static Answer refusal(int status, HttpRefusal reason, String error, Map<String, ?> facts) {
    var body = new LinkedHashMap<String, Object>();
    body.put("error", error);
    body.putAll(facts);
    return new Answer(status, Json.text(body), Map.of(), reason);
  }

  static Answer of(BadRequestException bad) {
    var body = new LinkedHashMap<String, Object>();
    body.put("error", String.valueOf(bad.getMessage()));
    if (bad.field() != null) {
      body.put("field", bad.field());
    }
    body.putAll(bad.facts());
    return new Answer(400, Json.text(body), Map.of(), HttpRefusal.FIELD);
  }

  Answer with(String header, String value) {
    var all = new LinkedHashMap<>(headers);
    all.put(header, value);
    return new Answer(status, json, all, refusal);
  }
}
