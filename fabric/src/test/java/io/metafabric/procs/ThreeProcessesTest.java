package io.metafabric.procs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.metafabric.core.transport.FreePorts;
import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Three regions in three JVMs with real sockets and disks. Thirty seconds of faults, on the network
 * between them and on the processes, all drawn from one seed; then quiet. Then all regions must be
 * in the same state, nothing that was acknowledged may be lost, and after all of them were killed
 * the state must still be the same. Longer runs do so again and again with the same directories.
 *
 * <p>{@code -Dprocs.seed} replays the faults of a run and {@code -Dprocs.minutes} makes it longer.
 * Threads and sockets are real, so that the same seed gives the same faults and not the same run.
 */
@Timeout(value = 24, unit = TimeUnit.HOURS)
class ThreeProcessesTest {
  private static final List<String> REGIONS = List.of("eu-west", "us-east", "ap-south");
  private static final List<String> DURABILITIES = List.of("SYNC", "INTERVAL", "OS");
  private static final int MINUTES = Integer.getInteger("procs.minutes", 0);
  private static final long SEED =
      Long.getLong("procs.seed", MINUTES == 0 ? 1 : System.nanoTime() & 0xffff);
  private static final long FAULTS_MS = 30_000;
  private static final Duration SAFETY = Duration.ofSeconds(90);

  @TempDir Path directory;

  private final Random random = new Random(SEED);
  private final BlockingQueue<String> violations = new LinkedBlockingQueue<>();
  private final Recorder recorder = new Recorder();
  private final List<RegionJvm> regions = new ArrayList<>();
  private final List<String> story = new ArrayList<>();
  private final Thread atExit = new Thread(this::endRegions);
  private FaultyNetwork network;
  private int lives;

  @BeforeEach
  void build() throws IOException {
    Runtime.getRuntime().addShutdownHook(atExit);
    List<Integer> ports = FreePorts.take(REGIONS.size());
    network = new FaultyNetwork(ports);
    for (int i = 0; i < REGIONS.size(); i++) {
      int region = i;
      File log = log(region);
      Files.deleteIfExists(log.toPath());
      regions.add(
          new RegionJvm(
              REGIONS.get(i), life -> arguments(region, life, ports), recorder, violations, log));
    }
  }

  private static File log(int region) {
    return new File("target", "procs-" + REGIONS.get(region) + ".log");
  }

  private List<String> arguments(int region, int life, List<Integer> ports) {
    var arguments = new ArrayList<String>();
    arguments.add(REGIONS.get(region));
    arguments.add(directory.resolve(REGIONS.get(region)).toString());
    arguments.add("" + life);
    arguments.add("" + (SEED * 1_000_003 + life));
    arguments.add(DURABILITIES.get(region));
    for (int other = 0; other < REGIONS.size(); other++) {
      int port = other == region ? ports.get(region) : network.port(region, other);
      arguments.add(REGIONS.get(other) + "=" + port);
    }
    return arguments;
  }

  private void endRegions() {
    regions.forEach(RegionJvm::close);
  }

  @AfterEach
  void end() throws IOException {
    endRegions();
    Runtime.getRuntime().removeShutdownHook(atExit);
    network.close();
  }

  @Test
  void underFaultsOfAllKinds_regionsConverge_andNothingAcknowledgedIsLost() throws Exception {
    System.out.println("Three processes: -Dprocs.seed=" + SEED);
    long endNanos = System.nanoTime() + TimeUnit.MINUTES.toNanos(MINUTES);
    try {
      for (RegionJvm region : regions) {
        region.start(lives++, true);
      }
      for (int round = 0; round == 0 || System.nanoTime() < endNanos; round++) {
        story.clear();
        long writesBefore = recorder.acknowledgedWrites();
        long readsBefore = recorder.reads();
        runFaults();
        comeToRest();
        checkTheEnd();
        System.out.printf("Round %d: %s; %s%n", round, recorder, network);
        assertThat(recorder.acknowledgedWrites() - writesBefore).isGreaterThan(500);
        assertThat(recorder.reads() - readsBefore).isGreaterThan(500);
        for (RegionJvm region : regions) {
          region.go();
        }
      }
      assertThat(network.swallowedBytes()).isPositive();
    } catch (Throwable e) {
      throw new AssertionError(failure(), e);
    }
  }

  private void runFaults() throws Exception {
    long beginNanos = System.nanoTime();
    for (Fault fault : FaultPlan.of(random.nextLong(), REGIONS.size(), FAULTS_MS)) {
      long dueNanos = beginNanos + TimeUnit.MILLISECONDS.toNanos(fault.atMs());
      requireNoViolation(violations.poll(dueNanos - System.nanoTime(), TimeUnit.NANOSECONDS));
      story.add(fault.toString());
      inject(fault);
    }
  }

  private static void requireNoViolation(String violation) {
    assertThat(violation).as("what a region says").isNull();
  }

  private void inject(Fault fault) throws Exception {
    int from = fault.region();
    int to = fault.other();
    RegionJvm region = regions.get(from);
    switch (fault.kind()) {
      case DELAY -> network.way(from, to).delay(fault.amount());
      case THROTTLE -> network.way(from, to).throttle(fault.amount());
      case FULL_SPEED -> network.way(from, to).hasFullSpeed();
      case SWALLOW -> network.way(from, to).swallow(true);
      case PASS -> network.way(from, to).swallow(false);
      case PASS_ANEW -> {
        network.resetBetween(from, to);
        network.way(from, to).swallow(false);
      }
      case RESET -> network.resetBetween(from, to);
      case CLOSE -> network.closeBetween(from, to);
      case HALF_CLOSE -> network.halfClose(from, to);
      case REFUSE -> network.way(from, to).refuse(true);
      case ACCEPT -> network.way(from, to).refuse(false);
      case KILL -> region.kill();
      case SHUT_DOWN -> region.shutDown();
      case START -> region.start(lives++, true);
      case PAUSE -> region.pause();
      case RESUME -> region.resume();
    }
  }

  /** All faults end, every region is up, and nobody writes. */
  private void comeToRest() throws Exception {
    network.heal();
    for (RegionJvm region : regions) {
      region.resume();
      if (!region.isRunning()) {
        region.start(lives++, true);
      }
    }
    for (RegionJvm region : regions) {
      region.rest();
    }
  }

  private void checkTheEnd() throws Exception {
    List<String> state = awaitOneState();
    List<KeyState> states = state.stream().map(KeyState::parse).toList();
    assertThat(recorder.problems(states)).isEmpty();
    for (RegionJvm region : regions) {
      region.kill();
    }
    for (RegionJvm region : regions) {
      region.start(lives++, false);
    }
    assertThat(awaitOneState()).as("the state after all were killed").isEqualTo(state);
    requireNoViolation(violations.poll());
  }

  private List<String> awaitOneState() {
    var one = new ArrayList<String>();
    await("all regions have the same state, and know it")
        .atMost(SAFETY)
        .pollInterval(Duration.ofMillis(200))
        .untilAsserted(
            () -> {
              List<String> state = regions.get(0).dump();
              assertThat(state).noneMatch(line -> line.startsWith("behind"));
              assertThat(state).noneMatch(line -> line.endsWith(KeyState.UNREACHABLE));
              assertThat(state).noneMatch(line -> KeyState.parse(line).isBrief());
              for (RegionJvm other : regions.subList(1, regions.size())) {
                assertThat(other.dump()).isEqualTo(state);
              }
              one.clear();
              one.addAll(state);
            });
    return one;
  }

  private String failure() throws IOException {
    var text = new StringBuilder("-Dprocs.seed=" + SEED + ", " + recorder + "\n");
    story.forEach(line -> text.append(line).append('\n'));
    violations.forEach(line -> text.append(line).append('\n'));
    for (int region = 0; region < REGIONS.size(); region++) {
      text.append("--- ").append(region).append(' ').append(log(region)).append('\n');
      text.append(tail(log(region)));
    }
    return text.toString();
  }

  private static String tail(File log) throws IOException {
    try (var file = new RandomAccessFile(log, "r")) {
      file.seek(Math.max(0, file.length() - 4096));
      var bytes = new byte[(int) (file.length() - file.getFilePointer())];
      file.readFully(bytes);
      return new String(bytes, StandardCharsets.UTF_8);
    }
  }
}
