package io.metafabric.http;

import io.metafabric.core.error.FabricClosedException;
import io.metafabric.core.error.OverloadedException;
import io.metafabric.core.port.SerialExecutor;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpRequest;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.TreeSet;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What all connections of a server share: its routes, who may ask, and who does the work. */
final class HttpService {
  private static final Logger log = LoggerFactory.getLogger(HttpService.class);

  private static final int MAX_JSON_BYTES = 1 << 20;

  private final HttpConfig config;
  private final List<HttpRoute> routes;
  private final SerialExecutor worker;
  private final Gate gate;
  private final HttpCounters counters = new HttpCounters();

  HttpService(HttpConfig config, List<HttpRoute> routes, SerialExecutor worker) {
    this.config = config;
    this.routes = List.copyOf(routes);
    this.worker = worker;
    this.gate = new Gate(config);
  }

  HttpConfig config() {
    return config;
  }

  HttpCounters counters() {
    return counters;
  }

  /** A request's route, or why it has none. One of both is null. */
  record Found(@Nullable HttpRoute route, boolean trusted, @Nullable Answer refusal) {
    private static Found refused(int status, HttpRefusal reason, String error) {
      return new Found(null, false, Answer.refusal(status, reason, error));
    }
  }

  /** Looks at a head, in an order that tells strangers nothing. */
  Found find(HttpRequest head, String path) {
    if (!gate.takesHost(head)) {
      return Found.refused(
          421, HttpRefusal.HOST, "without a token only hosts of this machine are answered for");
    }
    boolean trusted = gate.trusts(head);
    List<HttpRoute> there = routes.stream().filter(route -> route.path().equals(path)).toList();
    HttpRoute route =
        there.stream()
            .filter(each -> each.method().equals(head.method().name()))
            .findFirst()
            .orElse(null);
    if (!trusted && (route == null || !route.isOpen())) {
      Answer asked = Answer.refusal(401, HttpRefusal.TOKEN, "a bearer token is needed");
      return new Found(null, false, asked.with("www-authenticate", "Bearer"));
    }
    if (there.isEmpty()) {
      return Found.refused(404, HttpRefusal.PATH, "there is nothing at this path");
    }
    if (route == null) {
      var allowed = new TreeSet<String>();
      there.forEach(each -> allowed.add(each.method()));
      String methods = String.join(", ", allowed);
      Answer other = Answer.refusal(405, HttpRefusal.METHOD, "use " + methods + " here");
      return new Found(null, true, other.with("allow", methods));
    }
    Answer unfit = unfit(head, route);
    return unfit == null ? new Found(route, trusted, null) : new Found(null, trusted, unfit);
  }

  private static @Nullable Answer unfit(HttpRequest head, HttpRoute route) {
    if (route.body() == HttpRoute.Body.NONE) {
      return null;
    }
    String given = head.headers().get(HttpHeaderNames.CONTENT_TYPE);
    String type = given == null ? "" : given.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
    List<String> taken =
        route.body() == HttpRoute.Body.JSON
            ? List.of("application/json")
            : List.of("application/x-ndjson", "application/jsonl");
    if (!taken.contains(type)) {
      return Answer.refusal(
          415, HttpRefusal.CONTENT_TYPE, "the content type must be " + String.join(" or ", taken));
    }
    if (head.headers().contains(HttpHeaderNames.CONTENT_ENCODING)) {
      return Answer.refusal(
          415, HttpRefusal.CONTENT_TYPE, "a body must come without a content encoding");
    }
    return null;
  }

  long maxBodyBytes(HttpRoute route) {
    return switch (route.body()) {
      case NONE -> 0;
      case JSON -> MAX_JSON_BYTES;
      case LINES -> config.maxTrainBytes();
    };
  }

  /** Runs something that ends with an answer, or with none yet, on the worker. */
  void work(Runnable work, Consumer<Answer> onFailure) {
    worker.execute(
        () -> {
          try {
            work.run();
          } catch (RuntimeException | Error e) {
            onFailure.accept(answerTo(e));
          }
        });
  }

  /** Answers a request that is there as a whole; on the worker. */
  void handle(HttpRoute route, Request request, Consumer<Answer> then) {
    route
        .handle(request)
        .whenComplete(
            (answer, failure) -> then.accept(failure == null ? answer : answerTo(failure)));
  }

  private static Answer answerTo(Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException
            ? Objects.requireNonNullElse(failure.getCause(), failure)
            : failure;
    if (cause instanceof BadRequestException bad) {
      return Answer.of(bad);
    }
    if (cause instanceof FabricClosedException) {
      return Answer.failure(503, "the fabric is closed");
    }
    if (cause instanceof OverloadedException) {
      return Answer.failure(503, String.valueOf(cause.getMessage()));
    }
    // Who asks is told nothing of what is inside.
    log.warn("an HTTP request failed", cause);
    return Answer.failure(500, "it failed; the log of the node says why");
  }
}
