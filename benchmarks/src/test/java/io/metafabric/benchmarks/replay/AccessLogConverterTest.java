package io.metafabric.benchmarks.replay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AccessLogConverterTest {
  private static final String TIME = "[10/Oct/2000:13:55:36 -0700]";
  private static final long TIME_MS = 971_211_336_000L;

  @TempDir Path directory;
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream log = new ByteArrayOutputStream();

  private Path trace() {
    return directory.resolve("out.csv.gz");
  }

  private List<String> convert(List<String> lines, String... more) throws IOException {
    Path file = directory.resolve("access.log");
    Files.write(file, lines);
    return convert(file, more);
  }

  private List<String> convert(Path file, String... more) throws IOException {
    var arguments = new ArrayList<>(List.of("--in", file.toString(), "--out", trace().toString()));
    arguments.addAll(List.of(more));
    out.reset();
    log.reset();
    AccessLogConverter.run(print(out), print(log), arguments.toArray(String[]::new));
    try (var in = new GZIPInputStream(Files.newInputStream(trace()))) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
    }
  }

  private static PrintStream print(ByteArrayOutputStream to) {
    return new PrintStream(to, true, StandardCharsets.UTF_8);
  }

  private static String common(String request) {
    return "192.0.2.7 - frank " + TIME + " \"" + request + "\" 200 2326";
  }

  private static String column(String row, int column) {
    return row.split(",", -1)[column];
  }

  @Test
  void commonAndCombinedLines_becomeRows() throws IOException {
    List<String> rows =
        convert(
            List.of(
                common("GET /apache_pb.gif HTTP/1.0"),
                "2001:db8::1 - - "
                    + TIME
                    + " \"POST /form?token=1 HTTP/1.1\" 302 -"
                    + " \"http://example.org/\" \"Mozilla/4.08 [en] (\\\"Win98\\\"; I)\"",
                "192.0.2.7 - J. Doe "
                    + TIME
                    + " \"HEAD /a,b \\\"c\\\" HTTP/2.0\" 304 0 \"-\" \"-\""),
            "--salt",
            "s");

    String frank = column(rows.get(1), 1);
    String other = column(rows.get(2), 1);
    assertThat(frank).matches("[0-9a-f]{16}").isNotEqualTo(other);
    assertThat(rows)
        .containsExactly(
            TraceReader.HEADER,
            TIME_MS + "," + frank + ",/apache_pb.gif,get,2326,",
            TIME_MS + "," + other + ",/form,put,0,",
            TIME_MS + "," + frank + ",/a%2Cb \\\"c\\\",get,0,");
    assertThat(out.toString(StandardCharsets.UTF_8)).contains("3 rows", "0 broken lines");
    assertThat(log.size()).isZero();
  }

  /** Debian's other_vhosts_access.log: the host is no client, and has paths of its own. */
  @Test
  void aVirtualHostInFront_isPartOfTheKey_andNotTheClient() throws IOException {
    String ipv6 = "2001:db8::1 - - " + TIME + " \"GET /x HTTP/1.1\" 200 1";
    List<String> rows =
        convert(
            List.of(
                "shop.example.org:443 " + common("GET /x?y HTTP/1.1"),
                "www.example.org:80 " + common("GET /x HTTP/1.1"),
                "[2001:db8::2]:80 " + ipv6,
                common("GET /x HTTP/1.1"),
                ipv6));
    assertThat(rows.stream().skip(1).map(row -> column(row, 2)))
        .containsExactly("shop.example.org/x", "www.example.org/x", "[2001:db8::2]/x", "/x", "/x");
    List<String> clients = rows.stream().skip(1).map(row -> column(row, 1)).toList();
    assertThat(clients.get(0)).isEqualTo(clients.get(1)).isEqualTo(clients.get(3));
    assertThat(clients.get(2)).isEqualTo(clients.get(4)).isNotEqualTo(clients.get(0));
  }

  @Test
  void aPathThatIsNotUtf8_isEscaped_soThatTheTraceIs() throws IOException {
    Path file = directory.resolve("latin1.log");
    String both = common("GET /caf\u00e9 HTTP/1.1") + "\n" + common("GET /caf\u00e8 HTTP/1.1");
    Files.write(file, both.getBytes(StandardCharsets.ISO_8859_1));
    List<String> rows = convert(file);
    assertThat(rows.stream().skip(1).map(row -> column(row, 2)))
        .containsExactly("/caf%E9", "/caf%E8");
    rows = convert(List.of(common("GET /caf\u00e9 HTTP/1.1")));
    assertThat(column(rows.get(1), 2)).isEqualTo("/caf\u00e9");
  }

  @Test
  void whatChangesSomething_isAPut_andOtherMethodsAreLeftOut() throws IOException {
    List<String> rows =
        convert(
            Stream.of("GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS", "PROPFIND")
                .map(method -> common(method + " /x HTTP/1.1"))
                .toList());
    assertThat(rows.stream().skip(1).map(row -> column(row, 3)))
        .containsExactly("get", "get", "put", "put", "put", "put");
    assertThat(out.toString(StandardCharsets.UTF_8)).contains("2 with other methods");
  }

  @Test
  void brokenLines_areCounted_andReportedWithTheirNumbers() throws IOException {
    List<String> rows =
        convert(
            List.of(
                "",
                common("GET /x HTTP/1.1"),
                common("-"),
                common("\\x16\\x03\\x01 /x HTTP/1.1"),
                common("GET ?only=query HTTP/1.1"),
                "192.0.2.7 - - [yesterday] \"GET /x HTTP/1.1\" 200 1",
                "192.0.2.7 - - " + TIME + " \"GET /x HTTP/1.1\" 200",
                "192.0.2.7 - - " + TIME + " \"GET /x HTTP/1.1\" 200 -5",
                "192.0.2.7 - - " + TIME + " \"GET /x",
                "192.0.2.7 " + TIME + " \"GET /x HTTP/1.1\" 200 1",
                "192.0.2.7 - - " + TIME + " \"GET /y\" 200 99999999999999999999"));
    assertThat(rows.stream().skip(1).map(row -> column(row, 2))).containsExactly("/x", "/y");
    assertThat(column(rows.get(2), 4)).isEqualTo("2147483647");
    assertThat(out.toString(StandardCharsets.UTF_8)).contains("2 rows", "9 broken lines");
    assertThat(log.toString(StandardCharsets.UTF_8).lines().skip(1).toList())
        .hasSize(9)
        .satisfies(reports -> assertThat(reports.get(0)).contains("line 1: no address"))
        .satisfies(reports -> assertThat(reports.get(1)).contains("line 3: the request"))
        .satisfies(reports -> assertThat(reports.get(4)).contains("line 6: the time"))
        .satisfies(reports -> assertThat(reports.get(5)).contains("line 7: no status"))
        .satisfies(reports -> assertThat(reports.get(7)).contains("line 9: the request's quotes"));
  }

  @Test
  void aLineWithoutEnd_isBroken_andNotKept() throws IOException {
    String endless = common("GET /" + "x".repeat(BoundedLines.MAX_CHARS) + " HTTP/1.1");
    List<String> rows = convert(List.of(endless, common("GET /x HTTP/1.1")));
    assertThat(rows).hasSize(2);
    assertThat(log.toString(StandardCharsets.UTF_8))
        .contains("line 1: a line of more than 1048576 characters")
        .hasSizeLessThan(1_000);
  }

  @Test
  void manyBrokenLines_areNotAllReported() throws IOException {
    var lines = new ArrayList<String>();
    for (int i = 0; i < 1_000; i++) {
      lines.add("nonsense");
    }
    lines.add(common("GET /x HTTP/1.1"));
    convert(lines);
    assertThat(log.toString(StandardCharsets.UTF_8)).contains("1000 broken", "and 980 more");
  }

  @Test
  void clients_areTheSameUnderTheSameSalt_andOthersUnderAnother() throws IOException {
    var lines = List.of(common("GET /x HTTP/1.1"));
    List<String> one = convert(lines, "--salt", "one");
    assertThat(convert(lines, "--salt", "one")).isEqualTo(one);
    assertThat(convert(lines, "--salt", "two")).isNotEqualTo(one);
    assertThat(convert(lines)).as("a salt of its own each time").isNotEqualTo(convert(lines));
    assertThat(String.join("\n", one)).doesNotContain("192.0.2.7");
  }

  @Test
  void theTrace_isReplayed_fromAGzippedLogToo() throws IOException {
    Path file = directory.resolve("access.log.gz");
    try (var gzip = new GZIPOutputStream(Files.newOutputStream(file))) {
      for (int i = 0; i < 200; i++) {
        gzip.write(
            (common("GET /é" + i % 20 + " HTTP/1.1") + "\n").getBytes(StandardCharsets.UTF_8));
      }
    }
    assertThat(convert(file, "--region", "eu")).hasSize(201).last().asString().endsWith(",eu");
    Trace trace = TraceReader.read(trace(), TraceReader.BrokenRows.REFUSE);
    assertThat(trace.rows()).isEqualTo(200);
    assertThat(trace.keys()).hasSize(20).contains("/é3");
    List<RunResult> results =
        ReplayRun.run(
            ReplayOptions.parse("--trace", trace().toString(), "--policy", "lru"),
            print(out),
            print(log));
    assertThat(results.get(0).requests()).isEqualTo(200);
  }

  @Test
  void whatCannotBeConverted_isRefused_andLeavesNoTrace() throws IOException {
    assertThatThrownBy(() -> convert(List.of("nonsense")))
        .isInstanceOf(ReplayException.class)
        .hasMessageContaining("no line that can be converted")
        .hasMessageContaining("line 1");
    assertThatThrownBy(() -> convert(directory.resolve("missing.log")))
        .isInstanceOf(ReplayException.class)
        .hasMessageContaining("missing.log");
    assertThatThrownBy(() -> AccessLogConverter.run(print(out), print(log), "--in", "x"))
        .hasMessageContaining("--out is missing");
    String same = directory.resolve("access.log").toString();
    assertThatThrownBy(
            () -> AccessLogConverter.run(print(out), print(log), "--in", same, "--out", same))
        .hasMessageContaining("--out is the access log itself");
    var lines = List.of(common("GET /x HTTP/1.1"));
    assertThatThrownBy(() -> convert(lines, "--region", "a,b")).hasMessageContaining("--region");
    assertThatThrownBy(() -> convert(lines, "--salt", "")).hasMessageContaining("--salt");
    try (var files = Files.list(directory)) {
      assertThat(files.map(file -> file.getFileName().toString())).containsExactly("access.log");
    }
  }
}
