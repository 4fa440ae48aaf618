package io.metafabric;

import io.metafabric.core.access.Prediction;
import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.error.FabricClosedException;
import io.metafabric.core.error.InvalidKeyException;
import io.metafabric.core.error.RegionUnreachableException;
import io.metafabric.http.Answer;
import io.metafabric.http.BadRequestException;
import io.metafabric.http.Field;
import io.metafabric.http.Fields;
import io.metafabric.http.HttpRoute;
import io.metafabric.http.LineSink;
import io.metafabric.http.Request;
import io.metafabric.predict.ClientForecast;
import io.metafabric.replicate.PeerStats;
import io.metafabric.replicate.shadow.ShadowRule;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;

/**
 * The facade's operations as HTTP has them; openapi.json describes the same, and HTTP.md.
 * Thread-safe.
 */
final class HttpEndpoints {
  private static final String DATA_ID = "data_id";
  private static final String SHADOWING_FACTOR = "shadowing_factor";
  private static final String TTL = "ttl";
  private static final String USER_ID = "user_id";
  private static final String TIMESTAMP_MS = "timestamp_ms";
  private static final String OPENAPI = "openapi.json";

  private final MetadataFabric fabric;
  private final String region;
  private final Supplier<Boolean> isUsable;
  private final byte[] openApi;

  /**
   * @param isUsable whether what is written can still be stored
   */
  HttpEndpoints(MetadataFabric fabric, String region, Supplier<Boolean> isUsable) {
    this.fabric = fabric;
    this.region = region;
    this.isUsable = isUsable;
    this.openApi = description();
  }

  private static byte[] description() {
    try (InputStream in = HttpEndpoints.class.getResourceAsStream(OPENAPI)) {
      if (in == null) {
        throw new IllegalStateException(OPENAPI + " is missing in the jar");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(OPENAPI + " cannot be read", e);
    }
  }

  List<HttpRoute> routes() {
    return List.of(
        HttpRoute.post(
            "/shadow/create",
            List.of(
                Field.text(DATA_ID), Field.wholeNumber(SHADOWING_FACTOR), Field.wholeNumber(TTL)),
            this::createShadow),
        HttpRoute.get("/shadow/status", List.of(Field.text(DATA_ID)), this::shadowStatus),
        HttpRoute.postLines(
            "/prefetch/train",
            List.of(
                Field.text(USER_ID),
                Field.text(DATA_ID),
                Field.wholeNumber(TIMESTAMP_MS).optional()),
            Accesses::new),
        HttpRoute.get("/prefetch/predict", List.of(Field.text(USER_ID)), this::predict),
        HttpRoute.getForAll("/health", this::health),
        HttpRoute.get(
            "/" + OPENAPI,
            List.of(),
            request -> CompletableFuture.completedFuture(Answer.ofJson(openApi))));
  }

  private CompletionStage<Answer> createShadow(Request request) {
    Fields fields = request.fields();
    String dataId = fields.text(DATA_ID);
    long factor = fields.wholeNumber(SHADOWING_FACTOR, Long.MIN_VALUE, Long.MAX_VALUE);
    long seconds =
        fields.wholeNumber(
            TTL, ShadowRule.MIN_TIME_TO_LIVE.toSeconds(), ShadowRule.MAX_TIME_TO_LIVE.toSeconds());
    if (factor != (int) factor) {
      throw new BadRequestException(
          SHADOWING_FACTOR,
          SHADOWING_FACTOR + " must be 1 to the number of regions, was " + factor);
    }
    CompletionStage<ShadowOutcome> shadow;
    try {
      shadow = fabric.shadow(dataId, (int) factor, Duration.ofSeconds(seconds));
    } catch (InvalidKeyException e) {
      throw new BadRequestException(DATA_ID, String.valueOf(e.getMessage()));
    } catch (ConfigurationException e) {
      throw new BadRequestException(SHADOWING_FACTOR, String.valueOf(e.getMessage()));
    }
    return shadow.handle(
        (outcome, failure) -> {
          if (failure != null) {
            return unavailable(failure);
          }
          var body = new LinkedHashMap<String, Object>();
          body.put(DATA_ID, dataId);
          body.put("done", outcome.done());
          body.put("not_done", outcome.notDone());
          return Answer.of(200, body);
        });
  }

  private static Answer unavailable(Throwable failure) {
    Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
    if (cause instanceof RegionUnreachableException) {
      return Answer.failure(503, String.valueOf(cause.getMessage()));
    }
    throw new CompletionException(cause);
  }

  private CompletionStage<Answer> shadowStatus(Request request) {
    String dataId = request.fields().text(DATA_ID);
    CompletionStage<ShadowReport> asked;
    try {
      asked = fabric.shadows(dataId);
    } catch (InvalidKeyException e) {
      throw new BadRequestException(DATA_ID, String.valueOf(e.getMessage()));
    }
    return asked.thenApply(
        report -> {
          var body = new LinkedHashMap<String, Object>();
          body.put(DATA_ID, dataId);
          body.put("home", report.home());
          report.backup().ifPresent(backup -> body.put("backup", backup));
          body.put("shadows", report.shadows().stream().map(HttpEndpoints::shadow).toList());
          body.put("unknown", report.unknown());
          return Answer.of(200, body);
        });
  }

  private static Map<String, Object> shadow(ShadowStatus status) {
    var shadow = new LinkedHashMap<String, Object>();
    shadow.put("region", status.region());
    shadow.put(
        "version",
        Long.toHexString(status.version().actor().id()) + ":" + status.version().counter());
    shadow.put("age_ms", status.age().toMillis());
    shadow.put("hits", status.hits());
    shadow.put("expires_in_ms", status.expiresIn().toMillis());
    shadow.put("reason", word(status.reason()));
    return shadow;
  }

  private static String word(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  /** The lines of one request, learned from piece by piece. */
  private final class Accesses implements LineSink {
    private final List<PastAccess> waiting = new ArrayList<>();
    private long taken;

    @Override
    public void line(Fields fields) {
      Instant now = Instant.now();
      OptionalLong atMs =
          fields.optionalWholeNumber(
              TIMESTAMP_MS, 0, now.plus(PastAccess.MAX_AHEAD).toEpochMilli());
      Instant at = atMs.isPresent() ? Instant.ofEpochMilli(atMs.getAsLong()) : now;
      try {
        waiting.add(new PastAccess(fields.text(USER_ID), fields.text(DATA_ID), at));
      } catch (InvalidKeyException e) {
        throw new BadRequestException(DATA_ID, String.valueOf(e.getMessage()));
      } catch (ConfigurationException e) {
        throw noClient(e);
      }
    }

    @Override
    public void flush() {
      taken += fabric.train(waiting);
      waiting.clear();
    }

    @Override
    public long taken() {
      return taken;
    }

    @Override
    public Answer end() {
      return Answer.of(200, Map.of("taken", taken));
    }
  }

  private static BadRequestException noClient(ConfigurationException e) {
    return new BadRequestException(USER_ID, USER_ID + ": " + e.getMessage());
  }

  private CompletionStage<Answer> predict(Request request) {
    ClientForecast forecast;
    try {
      forecast = fabric.predict(request.fields().text(USER_ID));
    } catch (ConfigurationException e) {
      throw noClient(e);
    }
    var body = new LinkedHashMap<String, Object>();
    body.put(USER_ID, forecast.client());
    body.put("known", forecast.known());
    body.put("predictions", forecast.predictions().stream().map(HttpEndpoints::predicted).toList());
    return CompletableFuture.completedFuture(Answer.of(200, body));
  }

  private static Map<String, Object> predicted(Prediction said) {
    var prediction = new LinkedHashMap<String, Object>();
    prediction.put(DATA_ID, said.key().path());
    prediction.put("region", said.region().name());
    prediction.put("probability", said.probability());
    prediction.put("horizon_ms", said.horizon().toMillis());
    prediction.put("reason", said.reason());
    return prediction;
  }

  private CompletionStage<Answer> health(Request request) {
    boolean well = isUsable.get();
    var body = new LinkedHashMap<String, Object>();
    body.put("status", well ? "ok" : "failing");
    if (request.trusted()) {
      body.put("region", region);
      try {
        body.put("peers", fabric.stats().peers().stream().map(HttpEndpoints::peer).toList());
      } catch (FabricClosedException e) {
        body.put("status", "failing");
        well = false;
      }
    }
    return CompletableFuture.completedFuture(Answer.of(well ? 200 : 503, body));
  }

  private static Map<String, Object> peer(PeerStats stats) {
    var peer = new LinkedHashMap<String, Object>();
    peer.put("region", stats.region().name());
    peer.put("state", word(stats.state()));
    peer.put("lag_ms", stats.lagMs());
    peer.put("pending_changes", stats.pendingChanges());
    return peer;
  }
}
