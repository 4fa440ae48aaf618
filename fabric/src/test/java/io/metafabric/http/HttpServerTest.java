package io.metafabric.http;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.metafabric.core.error.OverloadedException;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.transport.PeerAddress;
import io.metafabric.host.ThreadScheduler;
import java.io.IOException;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The server alone, with routes of the test's own. */
@Timeout(60)
class HttpServerTest {
  private static final String HEAD = " HTTP/1.1\r\nHost: localhost\r\n";

  private final CompletableFuture<Answer> late = new CompletableFuture<>();

  private HttpServer serve() {
    SerialExecutor worker = new ThreadScheduler("test").serial("http-work");
    List<HttpRoute> routes =
        List.of(
            HttpRoute.get("/late", List.of(), request -> late),
            HttpRoute.get(
                "/broken",
                List.of(),
                request -> {
                  throw new IllegalStateException("a secret of the inside");
                }),
            HttpRoute.post(
                "/echo",
                List.of(Field.text("text")),
                request ->
                    CompletableFuture.completedFuture(
                        Answer.of(200, Map.of("text", request.fields().text("text"))))));
    return new HttpServer(
        HttpConfig.at("127.0.0.1:0"), "test", routes, worker, System::currentTimeMillis);
  }

  private static Socket connect(HttpServer server, String says) throws IOException {
    PeerAddress at = server.address();
    var socket = new Socket(at.host(), at.port());
    socket.setSoTimeout(20_000);
    socket.getOutputStream().write(says.getBytes(UTF_8));
    return socket;
  }

  private static String all(Socket socket) throws IOException {
    return new String(socket.getInputStream().readAllBytes(), UTF_8);
  }

  @Test
  void whateverClientsDo_noBufferIsHeldAfterTheEnd() throws Exception {
    HttpServer server = serve();
    var sockets = new ArrayList<Socket>();
    try {
      String echo =
          "POST /echo"
              + HEAD
              + "Content-Type: application/json\r\nContent-Length: 15\r\n\r\n{\"text\": \"abc\"}";
      for (int i = 0; i < 5; i++) {
        // Pipelined behind one that is not answered, cut off in a head, in a body, and left open.
        sockets.add(connect(server, "GET /late" + HEAD + "\r\n" + echo.repeat(20)));
        connect(server, "GET /la").close();
        connect(server, echo.substring(0, echo.length() - 3)).close();
        sockets.add(connect(server, echo.substring(0, echo.length() - 3)));
        sockets.add(connect(server, "nonsense\r\n\r\n" + echo));
      }
      await()
          .atMost(Duration.ofSeconds(20))
          .until(() -> server.stats().refused(HttpRefusal.MALFORMED) == 5);
      try (Socket well =
          connect(server, echo.replace("\r\nHost", "\r\nConnection: close\r\nHost"))) {
        assertThat(all(well)).startsWith("HTTP/1.1 200").endsWith("{\"text\":\"abc\"}");
      }
    } finally {
      server.close();
      for (Socket socket : sockets) {
        socket.close();
      }
    }
    assertThat(server.heldBytes()).isZero();
    late.complete(Answer.of(200, Map.of()));
    assertThat(server.stats().open()).isZero();
  }

  @Test
  void anAnswerThatComesLater_holdsUpNobodyElse_andPipelinedOnesFollowIt() throws Exception {
    try (HttpServer server = serve();
        Socket waits =
            connect(
                server,
                "GET /late" + HEAD + "\r\nGET /broken" + HEAD + "Connection: close\r\n\r\n")) {
      await().atMost(Duration.ofSeconds(20)).until(() -> server.stats().requests() == 1);
      try (Socket other = connect(server, "GET /nothing" + HEAD + "\r\n")) {
        assertThat(all(other)).startsWith("HTTP/1.1 404");
      }
      late.complete(Answer.of(200, Map.of("late", true)));
      assertThat(all(waits))
          .containsSubsequence("HTTP/1.1 200", "{\"late\":true}", "HTTP/1.1 500", "\"error\"")
          .doesNotContain("secret");
      assertThat(server.stats().failed()).isOne();
    }
  }

  @Test
  void whereTooMuchIsUnderWay_thatIsSaid() throws Exception {
    late.completeExceptionally(new OverloadedException("wait until some have ended"));
    try (HttpServer server = serve();
        Socket socket = connect(server, "GET /late" + HEAD + "Connection: close\r\n\r\n")) {
      assertThat(all(socket)).startsWith("HTTP/1.1 503").contains("wait until some have ended");
      assertThat(server.stats().failed()).isOne();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"{\"text\": \"%s\"}", "{\"%s\": \"\"}"})
  void jsonOfLongTexts_isTheClientsFault(String json) throws Exception {
    refusesAsBad(json.formatted("x".repeat(9000)));
  }

  @Test
  void jsonOfALongNumber_isTheClientsFault() throws Exception {
    refusesAsBad("{\"text\": %s}".formatted("9".repeat(100)));
  }

  private void refusesAsBad(String body) throws Exception {
    String head = "Content-Type: application/json\r\nConnection: close\r\nContent-Length: ";
    try (HttpServer server = serve();
        Socket socket =
            connect(server, "POST /echo" + HEAD + head + body.length() + "\r\n\r\n" + body)) {
      assertThat(all(socket)).startsWith("HTTP/1.1 400").contains("at most");
      assertThat(server.stats().refused(HttpRefusal.FIELD)).isOne();
      assertThat(server.stats().failed()).isZero();
    }
  }

  @Test
  void asManyPipelinedOnesAsMayWait_areAnswered_andMoreAreCounted() throws Exception {
    late.complete(Answer.of(200, Map.of()));
    String asked = "GET /late" + HEAD + "\r\n";
    String last = "GET /late" + HEAD + "Connection: close\r\n\r\n";
    try (HttpServer server = serve()) {
      try (Socket socket = connect(server, asked.repeat(HttpServer.MAX_PIPELINED - 1) + last)) {
        assertThat(all(socket).split("HTTP/1.1 200", -1)).hasSize(HttpServer.MAX_PIPELINED + 1);
      }
      try (Socket socket = connect(server, asked.repeat(4 * HttpServer.MAX_PIPELINED))) {
        await()
            .atMost(Duration.ofSeconds(20))
            .until(() -> server.stats().refused(HttpRefusal.MALFORMED) == 1);
      }
    }
  }

  @Test
  void whoNamesTwoHosts_isRefused() throws Exception {
    try (HttpServer server = serve();
        Socket socket = connect(server, "GET /late" + HEAD + "Host: example.org\r\n\r\n")) {
      assertThat(all(socket)).startsWith("HTTP/1.1 421");
    }
  }
}
