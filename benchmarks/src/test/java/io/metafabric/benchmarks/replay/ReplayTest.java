package io.metafabric.benchmarks.replay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.predict.Source;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.IntUnaryOperator;
import java.util.zip.GZIPOutputStream;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;

class ReplayTest {
  @TempDir Path directory;

  private Path trace(List<String> rows) throws IOException {
    Path file = directory.resolve("small.csv.gz");
    try (var out = new GZIPOutputStream(Files.newOutputStream(file))) {
      out.write((TraceReader.HEADER + "\n").getBytes(StandardCharsets.UTF_8));
      out.write(String.join("\n", rows).getBytes(StandardCharsets.UTF_8));
    }
    return file;
  }

  private Path trace(int rows, int clients, IntUnaryOperator key) throws IOException {
    var lines = new ArrayList<String>();
    for (int i = 0; i < rows; i++) {
      lines.add(i + ",c" + i % clients + ",k" + key.applyAsInt(i) + ",get,100,");
    }
    return trace(lines);
  }

  private static RunResult replay(Path file, String policy, String... more) throws IOException {
    var arguments = new ArrayList<>(List.of("--trace", file.toString(), "--policy", policy));
    arguments.addAll(List.of(more));
    return ReplayRun.run(ReplayOptions.parse(arguments.toArray(String[]::new)), silent(), silent())
        .get(0);
  }

  private static PrintStream silent() {
    return new PrintStream(new ByteArrayOutputStream(), false, StandardCharsets.UTF_8);
  }

  /** 2 3 1 2 of capacity 2: worked out by hand. */
  @Test
  void lruAndBelady_missWhatTheyMust() throws IOException {
    int[] keys = {1, 2, 3, 1, 2, 4, 1, 2, 3, 1};
    Path file = trace(keys.length, 1, i -> keys[i]);
    assertThat(replay(file, "lru", "--capacity-percent", "50").misses()).isEqualTo(10);
    assertThat(replay(file, "belady", "--capacity-percent", "50").misses()).isEqualTo(7);
  }

  /** 1 % of 200 keys are two entries, of which the hot tier would take none. */
  @Test
  void aCapacityThatTheHotTierCannotHave_isTheLeastItCan_forAllPolicies() throws IOException {
    Path file = trace(10_000, 1, i -> i < 200 ? i : i % 4);
    var log = new ByteArrayOutputStream();
    ReplayOptions options =
        ReplayOptions.parse(
            "--trace",
            file.toString(),
            "--policy",
            "fabric-no-prediction,lru",
            "--capacity-percent",
            "1");
    List<RunResult> results =
        ReplayRun.run(options, silent(), new PrintStream(log, false, StandardCharsets.UTF_8));
    assertThat(results).hasSize(2).allMatch(result -> result.capacity() == 8);
    assertThat(results).allMatch(result -> result.misses() < 300);
    assertThat(log.toString(StandardCharsets.UTF_8)).contains("all policies get so many");
    assertThat(replay(file, "lru", "--capacity-percent", "1").capacity()).isEqualTo(2);
  }

  @Test
  void noPolicyIsBetterThanBelady_withoutFetchingAhead_andNoneHoldsMoreThanItMay()
      throws IOException {
    var random = new Random(5);
    Path file = trace(20_000, 3, i -> (int) (Math.pow(random.nextDouble(), 3) * 500));
    long least = replay(file, "belady").misses();
    for (String policy : List.of("lru", "s3fifo", "caffeine", "fabric-no-prediction")) {
      RunResult result = replay(file, policy);
      assertThat(result.misses()).as(policy).isGreaterThanOrEqualTo(least);
      assertThat(result.demandFetches()).as(policy).isEqualTo(result.misses());
      assertThat(result.prefetches()).as(policy).isZero();
    }
  }

  @Test
  void whereOneFollowsTheOther_theFabricFetchesAhead_andMissesFarLess() throws IOException {
    Path file = trace(40_000, 4, i -> i / 4 % 1_000);
    RunResult without = replay(file, "fabric-no-prediction");
    RunResult with = replay(file, "fabric");
    assertThat(with.misses()).isLessThan(without.misses() / 2);
    assertThat(with.prefetchesUsed()).isGreaterThan(with.prefetches() / 2);
    assertThat(with.misses() + with.prefetches()).isLessThan(without.misses() * 5 / 4);
    assertThat(with.predictorBytes()).isPositive();
  }

  @Test
  void amongUnrelatedKeys_theFabricFetchesHardlyMore() throws IOException {
    var random = new Random(6);
    Path file = trace(40_000, 4, i -> (int) (Math.pow(random.nextDouble(), 2) * 3_000));
    RunResult without = replay(file, "fabric-no-prediction");
    RunResult with = replay(file, "fabric");
    assertThat(with.misses() + with.prefetches()).isLessThan(without.misses() * 21 / 20);
  }

  @Test
  void theSameSeed_givesTheSameRun() throws IOException {
    var random = new Random(7);
    Path file = trace(5_000, 5, i -> random.nextInt(10) * 20 + i % 20);
    for (String latency : List.of("0", "50")) {
      RunResult one = replay(file, "fabric", "--latency-ms", latency);
      RunResult other = replay(file, "fabric", "--latency-ms", latency);
      assertThat(one.misses()).isEqualTo(other.misses());
      assertThat(one.prefetches()).isEqualTo(other.prefetches());
      assertThat(one.stallMsMean()).isEqualTo(other.stallMsMean());
    }
  }

  @Test
  void aClientWaitsForWhatItMisses_andForTheRestOfWhatIsUnderWay() throws IOException {
    Path file = trace(List.of("0,a,x,get,1,", "20,b,x,get,1,", "0,a,x,get,1,", "500,a,y,get,1,"));
    RunResult result = replay(file, "lru", "--latency-ms", "50", "--capacity-percent", "100");
    assertThat(result.misses()).isEqualTo(3);
    assertThat(result.demandFetches()).isEqualTo(2);
    assertThat(result.stallMsMean()).isEqualTo((50 + 30 + 50) / 4.0);
    assertThat(result.stallMsP99()).isEqualTo(50);
  }

  @Test
  void aWriteInOneRegion_outdatesTheOthersCopies() throws IOException {
    Path file =
        trace(
            List.of(
                "0,a,x,get,1,UTC-0800",
                "1,b,x,get,1,UTC+0100",
                "2,a,x,put,1,UTC-0800",
                "3,b,x,get,1,UTC+0100",
                "4,a,x,get,1,UTC-0800"));
    RunResult result =
        replay(file, "lru", "--regions", "3", "--puts", "write", "--capacity-percent", "100");
    assertThat(result.requests()).isEqualTo(4);
    assertThat(result.misses()).isEqualTo(3);
    assertThat(replay(file, "lru", "--regions", "3", "--puts", "read-then-write").requests())
        .isEqualTo(5);
  }

  @Test
  void brokenRows_areReportedWithTheirLines_andSkippedOrRefused() throws IOException {
    Path file =
        trace(
            List.of(
                "0,a,x,get,1,",
                "what,a,x,get,1,",
                "0,a,x,get,1,",
                "0,a,,get,1,",
                "0,a",
                "0,a,x,del,1,"));
    Trace read = TraceReader.read(file, TraceReader.BrokenRows.SKIP);
    assertThat(read.rows()).isEqualTo(2);
    assertThat(read.brokenRows()).isEqualTo(4);
    assertThat(read.broken().get(0)).contains("line 3", "timestamp");
    assertThat(read.broken().get(1)).contains("line 5", "no key");
    assertThat(read.broken().get(2)).contains("line 6", "columns");
    assertThatThrownBy(() -> replay(file, "lru"))
        .isInstanceOf(ReplayException.class)
        .hasMessageContaining("line 3")
        .hasMessageContaining("--broken-rows skip");
  }

  /** Or two keys with different bytes would become one. */
  @Test
  void bytesThatAreNotUtf8_areCountedLikeOtherBrokenRows() throws IOException {
    Path file = directory.resolve("latin1.csv");
    String rows = TraceReader.HEADER + "\n0,a,\u00e9,get,1,\n0,a,\u00e8,get,1,\n0,a,x,get,1,\n";
    Files.write(file, rows.getBytes(StandardCharsets.ISO_8859_1));
    Trace read = TraceReader.read(file, TraceReader.BrokenRows.SKIP);
    assertThat(read.keys()).containsExactly("x");
    assertThat(read.brokenRows()).isEqualTo(2);
    assertThat(read.broken().get(1)).contains("line 3", "not UTF-8");
    assertThatThrownBy(() -> TraceReader.read(file, TraceReader.BrokenRows.REFUSE))
        .isInstanceOf(ReplayException.class)
        .hasMessageContaining("line 2");

    Files.write(file, rows.getBytes(StandardCharsets.UTF_8));
    assertThat(TraceReader.read(file, TraceReader.BrokenRows.REFUSE).keys())
        .containsExactly("\u00e9", "\u00e8", "x");
  }

  @Test
  void whatCannotBeWrittenInTheEnd_isRefusedBeforeTheRun() throws IOException {
    Path file = trace(300, 1, i -> i % 30);
    var table = new ByteArrayOutputStream();
    for (String[] option :
        new String[][] {
          {"--json", directory.resolve("nowhere/out.json").toString(), "no directory"},
          {"--json", directory.toString(), "a directory"},
          {"--chart", directory.resolve("nowhere/out.svg").toString(), "no directory"}
        }) {
      for (String priced : List.of("--seed=1", "--prices=aws")) {
        ReplayOptions options =
            ReplayOptions.parse(
                "--trace",
                file.toString(),
                priced.substring(0, priced.indexOf('=')),
                priced.substring(priced.indexOf('=') + 1),
                option[0],
                option[1]);
        assertThatThrownBy(
                () ->
                    ReplayRun.runAny(
                        options, new PrintStream(table, true, StandardCharsets.UTF_8), silent()))
            .isInstanceOf(ReplayException.class)
            .hasMessageContaining(option[0])
            .hasMessageContaining(option[1])
            .hasMessageContaining(option[2]);
      }
    }
    assertThat(table.size()).isZero();
  }

  @Test
  void mithril_hasMemoryOfItsOwn_andGetsNobodyElses() throws IOException {
    Path file = trace(20_000, 2, i -> i % 2_000);
    List<RunResult> results =
        results(
            List.of(
                "--trace",
                file.toString(),
                "--policy",
                "fabric,mithril,lru",
                "--charge-memory",
                "200"));
    assertThat(results.get(1).predictorBytes()).isPositive();
    assertThat(results.get(1).capacity()).isEqualTo(100);
    assertThat(results.get(2).capacity()).as("gets the fabric's").isGreaterThan(150);
  }

  @Test
  void aLineWithoutEnd_isCountedLikeOtherBrokenRows_andNotKept() throws IOException {
    String endless = "x".repeat(BoundedLines.MAX_CHARS + 1);
    Path file = trace(List.of("0,a,x,get,1,", "0,a," + endless + ",get,1,", "0,a,y,get,1,"));
    Trace read = TraceReader.read(file, TraceReader.BrokenRows.SKIP);
    assertThat(read.keys()).containsExactly("x", "y");
    assertThat(read.broken())
        .singleElement()
        .satisfies(report -> assertThat(report).contains("line 3", "more than 1048576 characters"))
        .satisfies(report -> assertThat(report).hasSizeLessThan(1_000));
    assertThatThrownBy(() -> TraceReader.read(file, TraceReader.BrokenRows.REFUSE))
        .isInstanceOf(ReplayException.class)
        .hasMessageContaining("line 3");
  }

  @Test
  void badOptions_areRefusedWithWhatWouldBeRight() {
    assertThatThrownBy(() -> ReplayOptions.parse("--policy", "lru"))
        .hasMessageContaining("--trace");
    for (String[] bad :
        new String[][] {
          {"--policy", "clock"},
          {"--policy", "fabric:"},
          {"--policy", "fabric:nobody"},
          {"--policy", "fabric:Client"},
          {"--policy", "fabric:client+"},
          {"--policy", "fabric:client+client"},
          {"--policy", "fabric:client:popularity"},
          {"--policy", "fabric-no-prediction:client"},
          {"--policy", "lru:client"},
          {"--capacity-percent", "0"},
          {"--capacity-percent", "1,,5"},
          {"--latency-ms", "-1"},
          {"--regions", "2"},
          {"--puts", "often"},
          {"--seed", "x"},
          {"--unknown", "1"},
          {"--charge-memory", "-1"},
          {"--chart", "misses.gif"},
          {"--json"}
        }) {
      var arguments = new ArrayList<>(List.of("--trace", "t"));
      arguments.addAll(List.of(bad));
      assertThatThrownBy(() -> ReplayOptions.parse(arguments.toArray(String[]::new)))
          .as(String.join(" ", bad))
          .isInstanceOf(ReplayException.class)
          .hasMessageContaining(
              bad.length == 2 && (bad[0].equals("--policy") || bad[1].equals("1,,5"))
                  ? bad[1]
                  : bad[0]);
    }
  }

  @Test
  void aFabricWithOtherSources_predictsWithThese_inWhateverOrderTheyAreGiven() throws IOException {
    Path file = trace(20_000, 4, i -> i / 4 % 1_000);
    RunResult byNeeds = replay(file, "fabric:needs-first-order");
    assertThat(byNeeds.policy()).isEqualTo("fabric:needs-first-order");
    assertThat(byNeeds.prefetchesUsed()).isPositive();
    assertThat(replay(file, "fabric:periodic").prefetchesUsed())
        .as("there is no period")
        .isLessThan(byNeeds.prefetchesUsed());
    var random = new Random(8);
    file = trace(4_000, 4, i -> random.nextInt(10) * 20 + i % 20);
    RunResult one = replay(file, "fabric:needs-second-order+client");
    RunResult other = replay(file, "fabric:client+needs-second-order");
    assertThat(one.misses()).isEqualTo(other.misses());
    assertThat(one.prefetches()).isEqualTo(other.prefetches());
    for (Source source : Source.values()) {
      for (String fabric : List.of("fabric", "fabric-shared-model", "fabric-trained")) {
        String policy = fabric + ":" + source.id();
        assertThat(ReplayOptions.parse("--trace", "t", "--policy", policy + ",lru").policies())
            .containsExactly(policy, "lru");
      }
    }
    assertThatThrownBy(() -> ReplayOptions.parse("--trace", "t", "--policy", "fabric:nobody"))
        .as("says what there is")
        .hasMessageContaining("needs-first-order")
        .hasMessageContaining("other-regions");
  }

  @Test
  void timesThatStandStillOrGoBack_andKeysTheFabricWouldNotTake_areReplayed() throws IOException {
    var lines = new ArrayList<String>();
    for (int i = 0; i < 3_000; i++) {
      lines.add((i % 7) + ",c,k" + "x".repeat(i % 3 * 700) + i % 50 + ",get,0,");
    }
    Path file = trace(lines);
    for (String latency : List.of("0", "50")) {
      RunResult result =
          replay(file, "fabric", "--latency-ms", latency, "--capacity-percent", "20");
      assertThat(result.requests()).isEqualTo(3_000);
    }
  }

  @Test
  void whereMemoryIsCharged_thePoliciesAfterAFabricThatPredicts_haveRoomForIt() throws IOException {
    Path file = trace(20_000, 2, i -> i % 2_000);
    var arguments =
        List.of("--trace", file.toString(), "--policy", "fabric,lru,fabric-no-prediction");
    var charged = new ArrayList<>(arguments);
    charged.addAll(List.of("--charge-memory", "200"));
    List<RunResult> free = results(arguments);
    List<RunResult> results = results(charged);
    assertThat(results.get(0).capacity()).isEqualTo(100);
    // Keys have 6 bytes of namespace and nearly 4 of name, values 200, the hot tier adds 528.
    long more = results.get(0).predictorBytes() / (528 + 6 + 4 + 200);
    assertThat(more).isPositive();
    assertThat(results.get(1).capacity()).isEqualTo(100 + (int) more);
    assertThat(results.get(2).capacity()).isEqualTo(100 + (int) more);
    assertThat(results.get(2).misses()).isLessThan(free.get(2).misses());
    assertThatThrownBy(() -> replay(file, "lru,fabric", "--charge-memory", "200"))
        .isInstanceOf(ReplayException.class)
        .hasMessageContaining("first");
  }

  private static List<RunResult> results(List<String> arguments) throws IOException {
    return ReplayRun.run(ReplayOptions.parse(arguments.toArray(String[]::new)), silent(), silent());
  }

  @Test
  void theChart_isWellFormed_namesTracesAndPolicies_andThereIsOneForEachSetting() throws Exception {
    Path file = trace(300, 1, i -> i % 30);
    Path svg = directory.resolve("misses.svg");
    replay(file, "lru,caffeine", "--chart", svg.toString());
    var parsers = DocumentBuilderFactory.newInstance();
    // It names a type that is elsewhere.
    parsers.setFeature("http://apache.org/xml/features/nonvalidating/load-external-dtd", false);
    Document document = parsers.newDocumentBuilder().parse(svg.toFile());
    assertThat(document.getDocumentElement().getTagName()).isEqualTo("svg");
    assertThat(document.getDocumentElement().getTextContent()).contains("small", "lru", "caffeine");

    Path png = directory.resolve("misses.png");
    replay(file, "lru,fabric", "--chart", png.toString(), "--latency-ms", "0,50");
    for (String setting : List.of("0", "50")) {
      Path one = directory.resolve("misses-5-percent-" + setting + "-ms.png");
      assertThat(ImageIO.read(one.toFile()).getWidth()).isPositive();
    }
    assertThat(png).doesNotExist();
  }

  @Test
  void theJson_hasTheFieldsThatProgramsReadFrom() throws IOException {
    Path file = trace(100, 1, i -> i % 10);
    Path json = directory.resolve("out.json");
    replay(file, "lru,fabric", "--json", json.toString(), "--seed", "3");
    assertThat(Files.readString(json))
        .startsWith("[\n  {\"trace\": \"small\", \"policy\": \"lru\", \"capacityPercent\": 5")
        .contains(
            "\"capacity\": ",
            "\"latencyMs\": 0",
            "\"regions\": 1",
            "\"requests\": 100",
            "\"misses\": ",
            "\"missPercent\": ",
            "\"demandFetches\": ",
            "\"prefetches\": ",
            "\"prefetchesUsed\": ",
            "\"prefetchesWasted\": ",
            "\"stallMsMean\": ",
            "\"stallMsP99\": ",
            "\"wideAreaBytes\": ",
            "\"predictorBytes\": ",
            "\"eventsPerSecond\": ")
        .endsWith("}\n]\n");
  }
}
