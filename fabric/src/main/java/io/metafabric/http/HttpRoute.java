package io.metafabric.http;

import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** One endpoint: where it is, what it takes, and who answers. Immutable. */
public final class HttpRoute {
  /** Answers requests, on the worker's thread, which it must not hold up for long. */
  @FunctionalInterface
  public interface Handler {
    /**
     * @throws BadRequestException if a field is out of its bounds
     */
    CompletionStage<Answer> handle(Request request);
  }

  /** What a request has besides its head. */
  public enum Body {
    /** Nothing: fields are in the query. */
    NONE,
    /** One JSON object of fields. */
    JSON,
    /** JSON objects, one a line. */
    LINES
  }

  private final String method;
  private final String path;
  private final Body body;
  private final List<Field> fields;
  private final boolean open;
  private final @Nullable Handler handler;
  private final @Nullable Supplier<LineSink> sinks;

  private HttpRoute(
      String method,
      String path,
      Body body,
      List<Field> fields,
      boolean open,
      @Nullable Handler handler,
      @Nullable Supplier<LineSink> sinks) {
    this.method = method;
    this.path = path;
    this.body = body;
    this.fields = List.copyOf(fields);
    this.open = open;
    this.handler = handler;
    this.sinks = sinks;
  }

  public static HttpRoute get(String path, List<Field> query, Handler handler) {
    return new HttpRoute("GET", path, Body.NONE, query, false, handler, null);
  }

  /** One that is answered without a token too; the request says whether there was one. */
  public static HttpRoute getForAll(String path, Handler handler) {
    return new HttpRoute("GET", path, Body.NONE, List.of(), true, handler, null);
  }

  public static HttpRoute post(String path, List<Field> fields, Handler handler) {
    return new HttpRoute("POST", path, Body.JSON, fields, false, handler, null);
  }

  /**
   * @param sinks makes one for each request
   */
  public static HttpRoute postLines(String path, List<Field> fields, Supplier<LineSink> sinks) {
    return new HttpRoute("POST", path, Body.LINES, fields, false, null, sinks);
  }

  public String method() {
    return method;
  }

  public String path() {
    return path;
  }

  public Body body() {
    return body;
  }

  public List<Field> fields() {
    return fields;
  }

  boolean isOpen() {
    return open;
  }

  CompletionStage<Answer> handle(Request request) {
    if (handler == null) {
      throw new IllegalStateException(path + " takes lines");
    }
    return handler.handle(request);
  }

  LineSink newSink() {
    if (sinks == null) {
      throw new IllegalStateException(path + " takes no lines");
    }
    return sinks.get();
  }
}
