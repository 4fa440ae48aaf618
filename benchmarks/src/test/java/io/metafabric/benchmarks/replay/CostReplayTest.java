package io.metafabric.benchmarks.replay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Regions are west (UTC-0500), mid (UTC+0000) and east (UTC+0900), with the prices of {@link
 * PriceFileTest#SMALL}.
 */
class CostReplayTest {
  private static final String WEST = "UTC-0500";
  private static final String MID = "UTC+0000";
  private static final String EAST = "UTC+0900";
  private static final double GB = 1e9;

  @TempDir Path directory;

  private CostWorld world(PutMode puts, String... rows) throws IOException {
    Path file = directory.resolve("t.csv");
    Files.writeString(file, TraceReader.HEADER + "\n" + String.join("\n", rows) + "\n");
    Trace trace = TraceReader.read(file, TraceReader.BrokenRows.REFUSE);
    return new CostWorld(trace, PriceFileTest.small(directory), puts);
  }

  private static CostResult run(CostWorld world, String policy, double savedMs) {
    return CostPolicies.run(world, policy, savedMs, 100, 1, Progress.none());
  }

  /**
   * Made in west, so that mid is its backup; east reads it, west writes it, east reads it again.
   */
  private CostWorld small() throws IOException {
    return world(
        PutMode.WRITE,
        "0,a,k,put,800," + WEST,
        "1000,b,k,get,800," + EAST,
        "1040,b,k,get,800," + EAST,
        "5000,b,k,get,800," + EAST,
        "6000,a,k,put,300," + WEST,
        "3606000,b,k,get,300," + EAST,
        "3606000,a,k,get,300," + WEST);
  }

  @Test
  void homeIsWhereAKeyWasMade_theBackupIsNearestToIt_andItsReaderAsksTheNearer()
      throws IOException {
    CostWorld world = small();
    assertThat(world.home[0]).isZero();
    assertThat(world.backup[0]).isEqualTo(1);
    assertThat(world.reader[0]).isEqualTo(2);
    assertThat(world.source(0)).isEqualTo(1);
    assertThat(world.rttMs(0)).isEqualTo(100);
  }

  @Test
  void withoutReplication_eachReadPaysAndWaits() throws IOException {
    CostResult result = run(small(), CostPolicies.NONE, 0.5);
    assertThat(result.reads()).isEqualTo(5);
    assertThat(result.remoteReads()).isEqualTo(4).isEqualTo(result.fetches());
    assertThat(result.wideAreaBytes()).isEqualTo(3 * 1000 + 500);
    assertThat(result.transferDollars()).isCloseTo(3500 / GB * 5, within(1e-15));
    assertThat(result.requestDollars()).isCloseTo(4 * 1e-5, within(1e-15));
    assertThat(result.storageDollars()).isZero();
    assertThat(result.stallMs()).isEqualTo(400);
    assertThat(result.stallDollars()).isCloseTo(400 * 0.5e-6, within(1e-15));
  }

  @Test
  void withFullReplication_whatIsWrittenGoesEverywhere_andIsStoredFromThenOn() throws IOException {
    CostResult result = run(small(), CostPolicies.FULL, 0.5);
    assertThat(result.wideAreaBytes()).isEqualTo(1000 + 500);
    assertThat(result.transferDollars()).isCloseTo(1500 / GB * 3, within(1e-15));
    double hours = (5900 * 800 + 3_599_900.0 * 300) / 3_600_000;
    assertThat(result.storageDollars()).isCloseTo(hours / GB, within(1e-15));
    assertThat(result.stallMs()).isZero();
    assertThat(result.requestDollars()).isZero();
  }

  @Test
  void withCaching_theFirstReadOfAVersionWaits_andWhoReadsMeanwhileWaitsForTheRest()
      throws IOException {
    CostResult result = run(small(), CostPolicies.CACHING, 0.5);
    assertThat(result.fetches()).isEqualTo(2);
    assertThat(result.stalled()).isEqualTo(3);
    assertThat(result.stallMs()).isEqualTo(100 + 60 + 100);
    assertThat(result.wideAreaBytes()).isEqualTo(1000 + 500 + 2 * 200);
    assertThat(result.headerDollars()).isCloseTo(400 / GB * 3, within(1e-15));
    assertThat(result.transferDollars()).isCloseTo(1500 / GB * 5 + 400 / GB * 3, within(1e-15));
    assertThat(result.storageDollars()).isZero();
  }

  @Test
  void theOracle_getsEachVersionThatIsReadOnce_asCheaplyAsCanBe() throws IOException {
    CostResult result = run(small(), CostPolicies.ORACLE, 0.5);
    assertThat(result.wideAreaBytes()).isEqualTo(1500);
    assertThat(result.totalDollars()).isCloseTo(1500 / GB * 3, within(1e-15));
  }

  @Test
  void whatAllPayAlike_isReckonedApart() throws IOException {
    for (String policy : CostPolicies.NAMES) {
      if (!policy.equals(CostPolicies.ORACLE)) {
        CostResult result = run(small(), policy, 0.5);
        assertThat(result.sameBytes()).as(policy).isEqualTo(1500);
        double months = (6000 * 800 + 3_600_000.0 * 300) / 3_600_000 / 730;
        assertThat(result.sameDollars())
            .as(policy)
            .isCloseTo(1500 / GB + months / GB * (7 + 8), within(1e-15));
      }
    }
  }

  @Test
  void aFetchThatAWriteOvertakes_servesWhoWaited_andIsNotKept() throws IOException {
    CostWorld world =
        world(
            PutMode.WRITE,
            "0,a,k,put,800," + WEST,
            "1000,b,k,get,800," + EAST,
            "1010,a,k,put,800," + WEST,
            "1200,b,k,get,800," + EAST);
    assertThat(run(world, CostPolicies.CACHING, 1).fetches()).isEqualTo(2);
  }

  @Test
  void aRegionThatWritesItself_hasWhatItWrote() throws IOException {
    CostWorld world =
        world(
            PutMode.WRITE,
            "0,a,k,put,800," + WEST,
            "1000,b,k,put,800," + EAST,
            "1001,b,k,get,800," + EAST);
    assertThat(run(world, CostPolicies.CACHING, 1).stallMs()).isZero();
    assertThat(run(world, CostPolicies.FULL, 1).stallMs()).isZero();
    assertThat(run(world, CostPolicies.NONE, 1).stallMs()).isEqualTo(100);
    assertThat(run(world, CostPolicies.ORACLE, 1).wideAreaBytes()).isZero();
  }

  @Test
  void sizesThatAreUnknown_areTypical_andThoseOverTheLimit_areClippedAndCounted()
      throws IOException {
    CostWorld world =
        world(
            PutMode.WRITE,
            "0,a,k,put,0," + WEST,
            "1,a,big,put,2000000," + WEST,
            "2,a,late,get,0," + WEST,
            "3,a,late,get,77," + WEST);
    assertThat(world.payloadBytes).containsExactly(200, 1 << 20, 77, 77);
    assertThat(world.clipped).isEqualTo(1);
    assertThat(world.unknown).isEqualTo(1);
  }

  private CostWorld random(Random random, int rows) throws IOException {
    var lines = new ArrayList<String>();
    long atMs = 0;
    for (int i = 0; i < rows; i++) {
      atMs += random.nextInt(500) * (random.nextInt(50) == 0 ? 100_000L : 1);
      int key = (int) (Math.pow(random.nextDouble(), 2) * 150);
      String region = List.of(WEST, MID, EAST).get(random.nextInt(3));
      lines.add(
          atMs
              + ",c"
              + random.nextInt(6)
              + ",k"
              + key
              + (random.nextInt(5) == 0 ? ",put," : ",get,")
              + random.nextInt(5_000)
              + ","
              + region);
    }
    return world(PutMode.READ_THEN_WRITE, lines.toArray(String[]::new));
  }

  @RepeatedTest(6)
  void partsMakeTheWhole_nobodyPaysLessThanTheOracle_andAllAreAskedTheSame(RepetitionInfo run)
      throws IOException {
    CostWorld world = random(new Random(run.getCurrentRepetition()), 4_000);
    for (double savedMs : new double[] {0, 0.0001, 1}) {
      double least = run(world, CostPolicies.ORACLE, savedMs).totalDollars();
      long reads = run(world, CostPolicies.ORACLE, savedMs).remoteReads();
      for (String policy : CostPolicies.NAMES) {
        CostResult result = run(world, policy, savedMs);
        assertThat(result.totalDollars()).as(policy).isGreaterThanOrEqualTo(least);
        assertThat(result.remoteReads()).as(policy).isEqualTo(reads);
        assertThat(result.stalled()).as(policy).isBetween(result.fetches(), reads);
        assertThat(result.totalDollars())
            .as(policy)
            .isCloseTo(
                result.transferDollars()
                    + result.storageDollars()
                    + result.requestDollars()
                    + result.stallMs() * savedMs / 1e6,
                within(1e-12));
      }
    }
  }

  @Test
  void theDearerWaitingIs_theLessTheFabricWaits_upToFullReplication() throws IOException {
    CostWorld world = random(new Random(1), 20_000);
    double cheap = run(world, CostPolicies.FABRIC, 0.00001).stallMs();
    CostResult dear = run(world, CostPolicies.FABRIC, 10_000);
    assertThat(dear.stallMs()).isLessThan(cheap / 4);
    assertThat(dear.totalDollars())
        .isLessThan(run(world, CostPolicies.CACHING, 10_000).totalDollars() / 4);
    assertThat(run(world, CostPolicies.FABRIC, 0.00001).totalDollars())
        .isLessThan(run(world, CostPolicies.FULL, 0.00001).totalDollars());
  }

  @Test
  void theSameSeed_givesTheSameCosts() throws IOException {
    CostWorld world = random(new Random(2), 3_000);
    assertThat(run(world, CostPolicies.FABRIC, 1)).isEqualTo(run(world, CostPolicies.FABRIC, 1));
  }

  @Test
  void results_goToATable_toJson_andIntoAChart() throws IOException {
    small();
    var out = new ByteArrayOutputStream();
    Path json = directory.resolve("out.json");
    Path chart = directory.resolve("out.svg");
    ReplayRun.runAny(
        ReplayOptions.parse(
            "--trace",
            directory.resolve("t.csv").toString(),
            "--prices",
            directory.resolve("p.prices") + ",aws",
            "--puts",
            "write",
            "--saved-ms",
            "0.1,10",
            "--json",
            json.toString(),
            "--chart",
            chart.toString()),
        new PrintStream(out, true, StandardCharsets.UTF_8),
        System.err);
    assertThat(out.toString(StandardCharsets.UTF_8)).contains("full-replication").contains("aws");
    assertThat(Files.readString(json)).contains("\"totalDollars\"").contains("\"oracle\"");
    try (var files = Files.list(directory)) {
      assertThat(files.filter(each -> each.toString().endsWith(".svg"))).hasSize(2);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--prices aws --latency-ms 5|--latency-ms does not go with --prices",
        "--prices aws --regions 1|--regions 1 does not go with --prices",
        "--prices aws --saved-ms -1|--saved-ms was \"-1\"",
        "--prices aws --saved-ms NaN|--saved-ms was \"NaN\"",
        "--prices aws --policy lru|with --prices one or more of",
        "--saved-ms 1|--saved-ms needs --prices",
      })
  void optionsThatDoNotFit_areRefused(String options, String told) {
    String[] arguments = ("--trace t " + options).split(" ");
    assertThatThrownBy(() -> ReplayOptions.parse(arguments))
        .isInstanceOf(ReplayException.class)
        .hasMessageContaining(told);
  }
}
