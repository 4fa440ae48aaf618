package io.metafabric;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonToken;
import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.error.ListenException;
import io.metafabric.core.transport.FreePorts;
import io.metafabric.core.transport.PeerAddress;
import io.metafabric.core.transport.TestCertificates;
import io.metafabric.core.transport.TestCertificates.Made;
import io.metafabric.http.Field;
import io.metafabric.http.HttpConfig;
import io.metafabric.http.HttpRefusal;
import io.metafabric.http.HttpRoute;
import io.metafabric.http.HttpStats;
import io.metafabric.replicate.tls.ServerTls;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** HTTP over real sockets, as clients and as those who are none see it. */
@Timeout(120)
class HttpEndpointsTest {
  private static final String TOKEN = "correct-horse-battery";
  private static final HttpConfig ANYWHERE_HERE = HttpConfig.at("127.0.0.1:0");

  @TempDir Path directory;

  private final List<MetadataFabric> open = new ArrayList<>();
  private final HttpClient client = HttpClient.newHttpClient();

  @AfterEach
  void nothingIsLeft() {
    open.forEach(MetadataFabric::close);
    assertThat(OpenAndCloseTest.threads()).isEmpty();
  }

  private MetadataFabric open(HttpConfig http) {
    var fabric = MetadataFabric.builder().directory(directory).http(http).open();
    open.add(fabric);
    return fabric;
  }

  private static PeerAddress address(MetadataFabric fabric) {
    return fabric.httpAddress().orElseThrow();
  }

  private static HttpStats stats(MetadataFabric fabric) {
    return Objects.requireNonNull(fabric.stats().http());
  }

  private static HttpRequest.Builder request(MetadataFabric fabric, String path) {
    return HttpRequest.newBuilder(URI.create("http://" + address(fabric) + path))
        .timeout(Duration.ofSeconds(30));
  }

  private HttpResponse<String> send(HttpRequest.Builder request)
      throws IOException, InterruptedException {
    return client.send(request.build(), BodyHandlers.ofString());
  }

  private HttpResponse<String> get(MetadataFabric fabric, String path) throws Exception {
    return send(request(fabric, path));
  }

  private HttpResponse<String> post(
      MetadataFabric fabric, String path, String contentType, String body) throws Exception {
    return send(
        request(fabric, path)
            .header("Content-Type", contentType)
            .POST(BodyPublishers.ofString(body)));
  }

  private HttpResponse<String> create(MetadataFabric fabric, String body) throws Exception {
    return post(fabric, "/shadow/create", "application/json", body);
  }

  private HttpResponse<String> train(MetadataFabric fabric, String body) throws Exception {
    return post(fabric, "/prefetch/train", "application/x-ndjson", body);
  }

  private static String lines(int clients, String... keys) {
    var text = new StringBuilder();
    for (int i = 0; i < clients; i++) {
      for (String key : keys) {
        text.append("{\"user_id\": \"u").append(i).append("\", \"data_id\": \"");
        text.append(key).append("\", \"timestamp_ms\": 1700000000000}\n");
      }
    }
    return text.toString();
  }

  @Test
  void withoutBeingAskedFor_itIsOff() {
    try (var fabric = MetadataFabric.builder().directory(directory).open()) {
      assertThat(fabric.httpAddress()).isEmpty();
      assertThat(fabric.stats().http()).isNull();
      assertThat(OpenAndCloseTest.threads()).noneMatch(name -> name.contains("http"));
    }
  }

  @Test
  void aFabricTrainedOverHttp_predictsTheNextKey_thereAndOnTheFacade() throws Exception {
    var fabric = open(ANYWHERE_HERE);
    HttpResponse<String> trained =
        train(fabric, lines(40, "page/a", "page/b", "page/c") + lines(1, "page/a").trim());
    assertThat(trained.statusCode()).as(trained.body()).isEqualTo(200);
    assertThat(trained.body()).isEqualTo("{\"taken\":121}");

    HttpResponse<String> predicted = get(fabric, "/prefetch/predict?user_id=u0");
    assertThat(predicted.statusCode()).isEqualTo(200);
    assertThat(predicted.headers().firstValue("content-type")).hasValue("application/json");
    assertThat(predicted.body())
        .startsWith("{\"user_id\":\"u0\",\"known\":true,\"predictions\":[{\"data_id\":\"page/b\"")
        .contains("\"region\":\"local\"", "\"horizon_ms\":30000", "\"reason\":\"after page/a\"");
    assertThat(fabric.predict("u0").predictions().get(0).key().path()).isEqualTo("page/b");

    assertThat(get(fabric, "/prefetch/predict?user_id=nobody").body())
        .isEqualTo("{\"user_id\":\"nobody\",\"known\":false,\"predictions\":[]}");
    assertThat(stats(fabric).answered()).isEqualTo(3);
  }

  @Test
  void aShadowIsMade_andShown_whereThereAreRegionsForIt() throws Exception {
    List<Integer> ports = FreePorts.take(3);
    List<String> names = List.of("ap", "eu", "us");
    for (int i = 0; i < 3; i++) {
      FabricBuilder builder =
          MetadataFabric.builder()
              .region(names.get(i))
              .directory(directory.resolve(names.get(i)))
              .listen("127.0.0.1:" + ports.get(i))
              .home("page", "eu", "us");
      for (int j = 0; j < 3; j++) {
        if (j != i) {
          builder.peer(names.get(j), "127.0.0.1:" + ports.get(j));
        }
      }
      open.add(i == 1 ? builder.http(ANYWHERE_HERE).open() : builder.open());
    }
    MetadataFabric eu = open.get(1);
    ThreeFabricsTest.awaitSync(open.toArray(new MetadataFabric[0]));
    eu.put("page/ä b", new byte[] {1});
    ThreeFabricsTest.awaitSync(open.toArray(new MetadataFabric[0]));

    HttpResponse<String> made =
        create(eu, "{\"data_id\": \"page/ä b\", \"shadowing_factor\": 3, \"ttl\": 600}");
    assertThat(made.statusCode()).as(made.body()).isEqualTo(200);
    assertThat(made.body())
        .isEqualTo("{\"data_id\":\"page/ä b\",\"done\":[\"ap\"],\"not_done\":{}}");

    HttpResponse<String> shown = get(eu, "/shadow/status?data_id=page/%C3%A4+b");
    assertThat(shown.statusCode()).isEqualTo(200);
    assertThat(shown.body())
        .startsWith(
            "{\"data_id\":\"page/ä"
                + " b\",\"home\":\"eu\",\"backup\":\"us\",\"shadows\":[{\"region\":\"ap\"")
        .contains("\"reason\":\"requested\"", "\"unknown\":{}");
    assertThat(described("ShadowStatus")).containsAll(fields(shown.body()));
    assertThat(described("Shadow")).containsAll(fieldsOfFirst(shown.body(), "shadows"));
    assertThat(described("ShadowCreated")).containsAll(fields(made.body()));

    String health = get(eu, "/health").body();
    assertThat(health).contains("\"status\":\"ok\"", "\"region\":\"eu\"", "\"state\":\"in_sync\"");
    assertThat(described("Health")).containsAll(fields(health));
    assertThat(described("Peer")).containsAll(fieldsOfFirst(health, "peers"));

    HttpResponse<String> tooMany =
        create(eu, "{\"data_id\": \"page/x\", \"shadowing_factor\": 4, \"ttl\": 600}");
    assertThat(tooMany.statusCode()).isEqualTo(400);
    assertThat(tooMany.body()).contains("\"field\":\"shadowing_factor\"", "4");
    for (String wrong : List.of("-1", "0", "4", "2147483648", "-9000000000000000000")) {
      String body = "{\"data_id\": \"page/x\", \"shadowing_factor\": " + wrong + ", \"ttl\": 600}";
      assertThat(create(eu, body).body())
          .contains("\"field\":\"shadowing_factor\"", "was " + wrong, "the number of regions")
          .doesNotContain("2147483647");
    }
  }

  @Test
  void badFields_areRefusedByName() throws Exception {
    var fabric = open(ANYWHERE_HERE);
    Map<String, String> bad = new LinkedHashMap<>();
    bad.put("{\"shadowing_factor\": 1, \"ttl\": 1}", "data_id");
    bad.put("{\"data_id\": \"n/1\", \"ttl\": 1}", "shadowing_factor");
    bad.put("{\"data_id\": \"n/1\", \"shadowing_factor\": 0, \"ttl\": 1}", "shadowing_factor");
    bad.put("{\"data_id\": \"n/1\", \"shadowing_factor\": 7, \"ttl\": 1}", "shadowing_factor");
    bad.put("{\"data_id\": \"n/1\", \"shadowing_factor\": 1.5, \"ttl\": 1}", "shadowing_factor");
    bad.put("{\"data_id\": \"n/1\", \"shadowing_factor\": \"1\", \"ttl\": 1}", "shadowing_factor");
    bad.put("{\"data_id\": \"n/1\", \"shadowing_factor\": 1, \"ttl\": 0}", "ttl");
    bad.put("{\"data_id\": \"n/1\", \"shadowing_factor\": 1, \"ttl\": 99999999999}", "ttl");
    bad.put("{\"data_id\": \"n/1\", \"shadowing_factor\": 1, \"ttl\": 1e99}", "ttl");
    bad.put("{\"data_id\": \"n/1\", \"shadowing_factor\": 1, \"ttl\": null}", "ttl");
    bad.put("{\"data_id\": 7, \"shadowing_factor\": 1, \"ttl\": 1}", "data_id");
    bad.put("{\"data_id\": \"no-namespace\", \"shadowing_factor\": 1, \"ttl\": 1}", "data_id");
    bad.put("{\"data_id\": \"n/1\", \"data_id\": \"n/2\"}", "data_id");
    bad.put("{\"data_id\": [\"n/1\"], \"shadowing_factor\": 1, \"ttl\": 1}", "data_id");
    bad.put("{\"data_id\": \"n/1\", \"shadowing_factor\": 1, \"ttl\": 1, \"x\": 1}", "x");
    for (var each : bad.entrySet()) {
      HttpResponse<String> refused = create(fabric, each.getKey());
      assertThat(refused.statusCode()).as(each.getKey()).isEqualTo(400);
      assertThat(refused.body())
          .as(each.getKey())
          .contains("\"error\":\"", "\"field\":\"" + each.getValue() + "\"");
    }
    for (String broken : List.of("", "{", "[]", "{} {}", "{\"data_id\": ", "nonsense")) {
      HttpResponse<String> refused = create(fabric, broken);
      assertThat(refused.statusCode()).as(broken).isEqualTo(400);
      assertThat(refused.body()).contains("\"error\":").doesNotContain("jackson", "nonsense");
    }
    Map<String, String> queries = new LinkedHashMap<>();
    queries.put("/shadow/status", "data_id");
    queries.put("/shadow/status?data_id=n/1&data_id=n/2", "data_id");
    queries.put("/shadow/status?data_id=none", "data_id");
    queries.put("/shadow/status?data_id=n/1&other=1", "other");
    queries.put("/prefetch/predict?user_id=", "user_id");
    queries.put("/prefetch/predict?user_id=" + "u".repeat(257), "user_id");
    queries.put("/prefetch/predict?user_id=%FF", "user_id");
    for (var each : queries.entrySet()) {
      HttpResponse<String> refused = get(fabric, each.getKey());
      assertThat(refused.statusCode()).as(each.getKey()).isEqualTo(400);
      assertThat(refused.body()).contains("\"field\":\"" + each.getValue() + "\"");
    }
    assertThat(stats(fabric).refused(HttpRefusal.FIELD)).isEqualTo(bad.size() + 6 + queries.size());
    assertThat(stats(fabric).failed()).isZero();
  }

  @Test
  void aBadLine_isNamed_andThoseBeforeItWereTaken() throws Exception {
    var fabric = open(ANYWHERE_HERE);
    String good = lines(1, "page/a", "page/b");
    Map<String, String> bad = new LinkedHashMap<>();
    bad.put("{\"user_id\": \"u\", ", "broken JSON");
    bad.put("{\"data_id\": \"page/a\"}", "\"field\":\"user_id\"");
    bad.put("{\"user_id\": \" \", \"data_id\": \"page/a\"}", "\"field\":\"user_id\"");
    bad.put(
        "{\"user_id\": \"" + "u".repeat(257) + "\", \"data_id\": \"n/1\"}",
        "\"field\":\"user_id\"");
    bad.put("{\"user_id\": \"u\", \"data_id\": \"page\"}", "\"field\":\"data_id\"");
    bad.put(
        "{\"user_id\": \"u\", \"data_id\": \"n/1\", \"timestamp_ms\": 99999999999999}",
        "\"field\":\"timestamp_ms\"");
    bad.put("x".repeat(9_000), "8192");
    for (var each : bad.entrySet()) {
      HttpResponse<String> refused = train(fabric, good + "\n" + each.getKey() + "\n" + good);
      assertThat(refused.statusCode()).isEqualTo(400);
      assertThat(refused.body())
          .contains("\"error\":\"line 4: ", "\"line\":4", "\"taken\":2", each.getValue());
      assertThat(described("LineError")).containsAll(fields(refused.body()));
    }
    assertThat(fabric.predict("u0").known()).isTrue();
    assertThat(fabric.predict("u").known()).as("behind the bad line").isFalse();
  }

  @Test
  void whatIsNotThere_orNotSo_isSaid() throws Exception {
    var fabric = open(ANYWHERE_HERE);
    assertThat(get(fabric, "/").statusCode()).isEqualTo(404);
    assertThat(get(fabric, "/health/").statusCode()).isEqualTo(404);
    HttpResponse<String> wrongMethod = get(fabric, "/shadow/create");
    assertThat(wrongMethod.statusCode()).isEqualTo(405);
    assertThat(wrongMethod.headers().firstValue("allow")).hasValue("POST");
    assertThat(post(fabric, "/shadow/create", "text/plain", "{}").statusCode()).isEqualTo(415);
    assertThat(post(fabric, "/prefetch/train", "application/json", "{}").statusCode())
        .isEqualTo(415);
    assertThat(
            send(request(fabric, "/prefetch/train")
                    .header("Content-Type", "application/jsonl")
                    .header("Content-Encoding", "gzip")
                    .POST(BodyPublishers.ofString("x")))
                .statusCode())
        .isEqualTo(415);
    HttpStats counted = stats(fabric);
    assertThat(counted.refused(HttpRefusal.PATH)).isEqualTo(2);
    assertThat(counted.refused(HttpRefusal.METHOD)).isEqualTo(1);
    assertThat(counted.refused(HttpRefusal.CONTENT_TYPE)).isEqualTo(3);
    assertThat(counted.answered()).isZero();
  }

  @Test
  void withoutTheToken_onlyWhetherItIsWellIsTold() throws Exception {
    var config = ANYWHERE_HERE.withToken(TOKEN);
    assertThat(config.toString()).doesNotContain(TOKEN);
    var fabric = open(config);
    for (String path : List.of("/openapi.json", "/prefetch/predict?user_id=u", "/nothing")) {
      HttpResponse<String> refused = get(fabric, path);
      assertThat(refused.statusCode()).as(path).isEqualTo(401);
      assertThat(refused.headers().firstValue("www-authenticate")).hasValue("Bearer");
    }
    for (String wrong : List.of("Bearer " + TOKEN + "x", "Bearer", "Basic " + TOKEN, TOKEN)) {
      assertThat(send(request(fabric, "/openapi.json").header("Authorization", wrong)).statusCode())
          .as(wrong)
          .isEqualTo(401);
    }
    assertThat(get(fabric, "/health").body()).isEqualTo("{\"status\":\"ok\"}");
    HttpRequest.Builder trusted =
        request(fabric, "/health").header("Authorization", "Bearer " + TOKEN);
    assertThat(send(trusted).body())
        .isEqualTo("{\"status\":\"ok\",\"region\":\"local\",\"peers\":[]}");
    assertThat(stats(fabric).refused(HttpRefusal.TOKEN)).isEqualTo(7);
  }

  @Test
  void aPageOfAnotherName_isNotAnswered_whereNoTokenIsNeeded() throws Exception {
    var fabric = open(ANYWHERE_HERE);
    try (var raw = new RawHttp(address(fabric))) {
      raw.say("GET /health HTTP/1.1\r\nHost: evil.example\r\n\r\n");
      assertThat(raw.answer()).startsWith("HTTP/1.1 421").contains("\"error\":");
    }
    assertThat(stats(fabric).refused(HttpRefusal.HOST)).isOne();
  }

  @Test
  void aBodyThatIsTooLarge_isRefusedAtItsHead_orOnceTooMuchCame() throws Exception {
    var fabric = open(ANYWHERE_HERE.withMaxTrainBytes(100_000));
    try (var announced = new RawHttp(address(fabric))) {
      announced.say(
          "POST /prefetch/train HTTP/1.1\r\nHost: localhost\r\n"
              + "Content-Type: application/x-ndjson\r\nContent-Length: 104857600\r\n\r\n");
      assertThat(announced.answer()).startsWith("HTTP/1.1 413").contains("100000 bytes");
      assertThat(announced.isAtEnd()).isTrue();
    }
    try (var counted = new RawHttp(address(fabric))) {
      counted.say(
          "POST /prefetch/train HTTP/1.1\r\nHost: localhost\r\n"
              + "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n");
      String line = lines(1, "page/a");
      String chunk = line.repeat(100);
      for (int sent = 0; sent <= 100_000; sent += chunk.length()) {
        counted.say(Integer.toHexString(chunk.length()) + "\r\n" + chunk + "\r\n");
      }
      String refused = counted.answer();
      assertThat(refused).startsWith("HTTP/1.1 413");
      // All but what is not a piece yet.
      assertThat(taken(refused)).isBetween(1L, 100_000L / line.length());
    }
    try (var none = new RawHttp(address(fabric))) {
      none.say("GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx");
      assertThat(none.answer()).startsWith("HTTP/1.1 413");
    }
    assertThat(create(fabric, "x".repeat(2 << 20)).statusCode()).isEqualTo(413);
    assertThat(stats(fabric).refused(HttpRefusal.SIZE)).isEqualTo(4);
    assertThat(get(fabric, "/health").statusCode()).isEqualTo(200);
  }

  @Test
  void linesThatDoNotComeInTime_areRefused_withHowManyWereTaken() throws Exception {
    var fabric = open(ANYWHERE_HERE.withPatience(Duration.ofMillis(300)));
    try (var raw = new RawHttp(address(fabric))) {
      String body = lines(5, "page/a");
      raw.say(
          "POST /prefetch/train HTTP/1.1\r\nHost: localhost\r\n"
              + "Content-Type: application/x-ndjson\r\nContent-Length: "
              + (body.length() + 1)
              + "\r\n\r\n"
              + body);
      String refused = raw.answer();
      assertThat(refused).startsWith("HTTP/1.1 408");
      assertThat(taken(refused)).as("of less than a piece nothing is").isZero();
    }
  }

  private static long taken(String answer) {
    return Long.parseLong(answer.replaceAll("(?s).*\"taken\":([0-9]+).*", "$1"));
  }

  @Test
  void manyLines_areTakenPieceByPiece() throws Exception {
    var fabric = open(ANYWHERE_HERE);
    String many = lines(4_000, "page/a", "page/b", "page/c");
    assertThat(many.length()).isGreaterThan(20 * (32 << 10));
    assertThat(train(fabric, many).body()).isEqualTo("{\"taken\":12000}");
  }

  @Test
  void slowClients_areClosed_andCounted() throws Exception {
    var fabric = open(ANYWHERE_HERE.withPatience(Duration.ofMillis(300)));
    try (var halfAHead = new RawHttp(address(fabric));
        var silent = new RawHttp(address(fabric));
        var halfABody = new RawHttp(address(fabric));
        var idle = new RawHttp(address(fabric))) {
      halfAHead.say("GET /health HTTP/1.1\r\nHost: loc");
      halfABody.say(
          "POST /shadow/create HTTP/1.1\r\nHost: localhost\r\n"
              + "Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{");
      idle.say("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
      assertThat(idle.answer()).startsWith("HTTP/1.1 200");
      assertThat(halfAHead.answer()).startsWith("HTTP/1.1 408");
      assertThat(halfABody.answer()).startsWith("HTTP/1.1 408").contains("\"error\":");
      assertThat(halfABody.isAtEnd()).isTrue();
      assertThat(silent.isAtEnd()).isTrue();
      assertThat(idle.isAtEnd()).isTrue();
    }
    assertThat(stats(fabric).refused(HttpRefusal.SLOW)).isEqualTo(2);
    await().atMost(Duration.ofSeconds(20)).until(() -> stats(fabric).open() == 0);
  }

  @Test
  void requestsOnOneConnection_areAnsweredInTurn_alsoIfTheyCameAtOnce() throws Exception {
    var fabric = open(ANYWHERE_HERE);
    String body = lines(1, "page/a", "page/b");
    try (var raw = new RawHttp(address(fabric))) {
      raw.say(
          "GET /prefetch/predict?user_id=one HTTP/1.1\r\nHost: localhost\r\n\r\n"
              + "POST /prefetch/train HTTP/1.1\r\nHost: localhost\r\n"
              + "Content-Type: application/jsonl\r\nContent-Length: "
              + body.length()
              + "\r\n\r\n"
              + body
              + "GET /prefetch/predict?user_id=u0 HTTP/1.1\r\nHost: localhost\r\n\r\n");
      assertThat(raw.answer()).contains("\"user_id\":\"one\"");
      assertThat(raw.answer()).contains("\"taken\":2");
      assertThat(raw.answer()).contains("\"user_id\":\"u0\",\"known\":true");
      raw.say("GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
      assertThat(raw.answer()).startsWith("HTTP/1.1 200").contains("connection: close");
      assertThat(raw.isAtEnd()).isTrue();
    }
    try (var waits = new RawHttp(address(fabric))) {
      waits.say(
          "POST /prefetch/train HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
              + "Content-Type: application/jsonl\r\nContent-Length: "
              + body.length()
              + "\r\n\r\n");
      assertThat(waits.answer()).startsWith("HTTP/1.1 100");
      waits.say(body);
      assertThat(waits.answer()).contains("\"taken\":2");
    }
    assertThat(stats(fabric).connections()).isEqualTo(2);
    assertThat(stats(fabric).answered()).isEqualTo(5);
  }

  @Test
  void whatIsNoHttp_isRefused() throws Exception {
    var fabric = open(ANYWHERE_HERE);
    Map<String, String> bad = new LinkedHashMap<>();
    bad.put("\u0016\u0003\u0001 nonsense\r\n\r\n", "400");
    bad.put("GET /" + "x".repeat(10_000) + " HTTP/1.1\r\nHost: localhost\r\n\r\n", "414");
    bad.put(
        "GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + "x".repeat(20_000) + "\r\n\r\n", "431");
    for (var each : bad.entrySet()) {
      try (var raw = new RawHttp(address(fabric))) {
        raw.say(each.getKey());
        assertThat(raw.answer()).startsWith("HTTP/1.1 " + each.getValue());
        assertThat(raw.isAtEnd()).isTrue();
      }
    }
    assertThat(stats(fabric).refused(HttpRefusal.MALFORMED)).isEqualTo(3);
  }

  @Test
  void moreConnectionsThanThereMayBe_areClosedUnheard() throws Exception {
    var fabric = open(ANYWHERE_HERE.withMaxConnections(2));
    try (var one = new RawHttp(address(fabric));
        var two = new RawHttp(address(fabric))) {
      for (RawHttp each : List.of(one, two)) {
        each.say("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assertThat(each.answer()).startsWith("HTTP/1.1 200");
      }
      try (var three = new RawHttp(address(fabric))) {
        assertThat(three.isAtEnd()).isTrue();
      }
      assertThat(stats(fabric).refused(HttpRefusal.CONNECTIONS)).isOne();
    }
    await().atMost(Duration.ofSeconds(20)).until(() -> stats(fabric).open() == 0);
    assertThat(get(fabric, "/health").statusCode()).isEqualTo(200);
  }

  @Test
  void beyondThisMachine_certificateAndTokenAreNeeded() throws Exception {
    ServerTls files = certificate();
    for (HttpConfig unsafe :
        List.of(
            HttpConfig.at("0.0.0.0:0"),
            HttpConfig.at("0.0.0.0:0").withToken(TOKEN),
            HttpConfig.at("0.0.0.0:0").withTls(files))) {
      Path untouched = directory.resolve("untouched");
      FabricBuilder builder = MetadataFabric.builder().directory(untouched).http(unsafe);
      assertThatThrownBy(builder::open)
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContainingAll("0.0.0.0", "beyond this machine", "loopback")
          .hasMessageNotContaining(TOKEN);
      assertThat(untouched).doesNotExist();
    }
    assertThatThrownBy(() -> HttpConfig.at("127.0.0.1:0").withToken("short"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("16 to 512")
        .hasMessageNotContaining("short");
    HttpConfig missing =
        ANYWHERE_HERE.withTls(ServerTls.fromPem(directory.resolve("no.pem"), Path.of("no.key")));
    FabricBuilder builder = MetadataFabric.builder().directory(directory).http(missing);
    assertThatThrownBy(builder::open)
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("no.pem");
  }

  private ServerTls certificate() throws Exception {
    Made own = new TestCertificates("prod").of("prod", "eu");
    trusted = own.certificate();
    return ServerTls.fromPem(
        own.certificateTo(directory.resolve("web.pem")), own.keyTo(directory.resolve("web.key")));
  }

  private X509Certificate trusted;

  @Test
  void overTls_itIsTheSame() throws Exception {
    var fabric = open(ANYWHERE_HERE.withTls(certificate()).withToken(TOKEN));
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    store.setCertificateEntry("web", trusted);
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    SSLContext context = SSLContext.getInstance("TLSv1.3");
    context.init(null, trust.getTrustManagers(), null);
    try (var socket =
        context.getSocketFactory().createSocket(address(fabric).host(), address(fabric).port())) {
      socket.setSoTimeout(20_000);
      socket
          .getOutputStream()
          .write(
              ("GET /health HTTP/1.1\r\nHost: web.example\r\nConnection: close\r\n"
                      + "Authorization: Bearer "
                      + TOKEN
                      + "\r\n\r\n")
                  .getBytes(UTF_8));
      assertThat(new String(socket.getInputStream().readAllBytes(), UTF_8))
          .startsWith("HTTP/1.1 200")
          .contains("\"region\":\"local\"");
    }
    try (var plain = new RawHttp(address(fabric))) {
      plain.say("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
      assertThatThrownBy(plain::answer).isInstanceOf(IOException.class);
    }
    await()
        .atMost(Duration.ofSeconds(20))
        .until(() -> stats(fabric).refused(HttpRefusal.MALFORMED) == 1);
  }

  @Test
  void aTakenPort_failsTheOpening_andLeavesNothing() throws Exception {
    try (var taken = new ServerSocket(0, 1, java.net.InetAddress.getByName("127.0.0.1"))) {
      FabricBuilder builder =
          MetadataFabric.builder()
              .directory(directory)
              .http(HttpConfig.at("127.0.0.1:" + taken.getLocalPort()));
      assertThatThrownBy(builder::open)
          .isInstanceOf(ListenException.class)
          .hasMessageContaining("HTTP");
    }
    assertThat(OpenAndCloseTest.threads()).isEmpty();
    open(ANYWHERE_HERE);
  }

  @Test
  void closingTheFabric_endsIt_underConnectionsAndRequests() throws Exception {
    var fabric = open(ANYWHERE_HERE);
    PeerAddress at = address(fabric);
    try (var idle = new RawHttp(at);
        var halfABody = new RawHttp(at)) {
      idle.say("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
      assertThat(idle.answer()).startsWith("HTTP/1.1 200");
      halfABody.say(
          "POST /prefetch/train HTTP/1.1\r\nHost: localhost\r\n"
              + "Content-Type: application/jsonl\r\nContent-Length: 500000\r\n\r\n"
              + lines(1_000, "page/a"));
      await().atMost(Duration.ofSeconds(20)).until(() -> stats(fabric).requests() == 2);
      fabric.close();
      assertThat(OpenAndCloseTest.threads()).isEmpty();
      assertThat(idle.isAtEnd()).isTrue();
    }
    assertThatThrownBy(() -> new RawHttp(at)).isInstanceOf(IOException.class);
  }

  /** Paths, methods, fields and types of the description, against those that are served. */
  @Test
  void theDescription_isServed_andIsTrue() throws Exception {
    var fabric = open(ANYWHERE_HERE);
    Map<String, Object> document = Tree.of(get(fabric, "/openapi.json").body());
    assertThat(document.get("openapi")).asString().startsWith("3.");
    var described = new TreeSet<String>();
    Tree.at(document, "paths")
        .forEach(
            (path, methods) ->
                Tree.map(methods)
                    .forEach(
                        (method, operation) ->
                            described.add(
                                method.toUpperCase(Locale.ROOT)
                                    + " "
                                    + path
                                    + fieldsOf(document, Tree.map(operation)))));
    var served = new TreeSet<String>();
    for (HttpRoute route : new HttpEndpoints(fabric, "local", () -> true).routes()) {
      var fields = new TreeSet<String>();
      for (Field field : route.fields()) {
        fields.add(
            field.name()
                + ":"
                + field.type().name().toLowerCase(Locale.ROOT)
                + (field.required() ? "!" : ""));
      }
      served.add(route.method() + " " + route.path() + fields);
    }
    assertThat(described).isEqualTo(served);
    assertThat(described("Forecast"))
        .containsAll(fields(get(fabric, "/prefetch/predict?user_id=u").body()));
    train(fabric, lines(20, "page/a", "page/b") + lines(1, "page/a"));
    String forecast = get(fabric, "/prefetch/predict?user_id=u0").body();
    assertThat(described("Prediction")).containsAll(fieldsOfFirst(forecast, "predictions"));
    assertThat(described("Error")).containsAll(fields(create(fabric, "{}").body()));
  }

  private static Set<String> fieldsOf(Map<String, Object> document, Map<String, Object> operation) {
    var fields = new TreeSet<String>();
    if (operation.get("parameters") instanceof List<?> parameters) {
      for (Object parameter : parameters) {
        Map<String, Object> each = Tree.map(parameter);
        assertThat(each.get("in")).isEqualTo("query");
        fields.add(
            each.get("name")
                + ":"
                + Tree.at(each, "schema").get("type")
                + (Boolean.TRUE.equals(each.get("required")) ? "!" : ""));
      }
    }
    if (operation.containsKey("requestBody")) {
      for (Object content : Tree.at(operation, "requestBody", "content").values()) {
        String name = String.valueOf(Tree.at(Tree.map(content), "schema").get("$ref"));
        Map<String, Object> schema =
            Tree.at(document, "components", "schemas", name.substring(name.lastIndexOf('/') + 1));
        List<?> required = (List<?>) schema.get("required");
        Tree.at(schema, "properties")
            .forEach(
                (field, type) ->
                    fields.add(
                        field
                            + ":"
                            + Tree.map(type).get("type")
                            + (required.contains(field) ? "!" : "")));
      }
    }
    return fields;
  }

  private static Set<String> described(String schema) throws IOException {
    try (var in = HttpEndpoints.class.getResourceAsStream("openapi.json")) {
      String text = new String(Objects.requireNonNull(in).readAllBytes(), UTF_8);
      return Tree.at(Tree.of(text), "components", "schemas", schema, "properties").keySet();
    }
  }

  private static Set<String> fields(String json) throws IOException {
    return Tree.of(json).keySet();
  }

  private static Set<String> fieldsOfFirst(String json, String list) throws IOException {
    return Tree.map(((List<?>) Tree.of(json).get(list)).get(0)).keySet();
  }

  /** JSON as maps and lists. */
  private static final class Tree {
    static Map<String, Object> of(String json) throws IOException {
      try (var in = new JsonFactory().createParser(json)) {
        in.nextToken();
        return map(value(in));
      }
    }

    private static Object value(com.fasterxml.jackson.core.JsonParser in) throws IOException {
      JsonToken token = in.currentToken();
      if (token == JsonToken.START_OBJECT) {
        var object = new LinkedHashMap<String, Object>();
        while (in.nextToken() == JsonToken.FIELD_NAME) {
          String name = in.currentName();
          in.nextToken();
          assertThat(object.put(name, value(in))).as(name).isNull();
        }
        return object;
      }
      if (token == JsonToken.START_ARRAY) {
        var list = new ArrayList<Object>();
        while (in.nextToken() != JsonToken.END_ARRAY) {
          list.add(value(in));
        }
        return list;
      }
      return token == JsonToken.VALUE_TRUE || token == JsonToken.VALUE_FALSE
          ? (Object) in.getBooleanValue()
          : in.getText();
    }

    @SuppressWarnings("unchecked")
    static Map<String, Object> map(Object value) {
      return (Map<String, Object>) value;
    }

    static Map<String, Object> at(Map<String, Object> object, String... path) {
      Map<String, Object> here = object;
      for (String step : path) {
        here = map(Objects.requireNonNull(here.get(step), step));
      }
      return here;
    }
  }
}
