package io.metafabric.procs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.metafabric.core.transport.FreePorts;
import io.metafabric.core.transport.TestCertificates;
import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Three regions in three JVMs with real sockets and disks, behind a network that can be made bad,
 * under load; and what they must have come to when all that has ended. Belongs to one thread.
 */
final class RegionCluster implements AutoCloseable {
  static final List<String> REGIONS = List.of("eu-west", "us-east", "ap-south");
  private static final List<String> DURABILITIES = List.of("SYNC", "INTERVAL", "OS");
  private static final Duration SAFETY = Duration.ofSeconds(90);

  /** What is to be done besides while things go wrong. */
  interface Meanwhile {
    /**
     * @return how long until it is to be called again
     */
    long beCalledAgainInNanos() throws Exception;
  }

  private final Path directory;
  private final String name;
  private final long seed;
  private final int turnover;
  private final boolean livesForLong;
  private final @Nullable Path certificates;
  private final List<Integer> ports = FreePorts.take(REGIONS.size());
  private final FaultyNetwork network = new FaultyNetwork(ports);
  private final BlockingQueue<String> violations = new LinkedBlockingQueue<>();
  private final Recorder recorder = new Recorder();
  private final Roaming roaming;
  private final List<RegionJvm> regions = new ArrayList<>();
  private final Set<Integer> paused = new HashSet<>();
  private final List<String> story = new ArrayList<>();
  private final Thread atExit = new Thread(this::endRegions);
  private int lives;

  /**
   * @param name of what is tested, for the files that it leaves
   * @param turnover see {@link Workload}
   * @param livesForLong whether processes live for more than a minute, and forget what is dead
   * @param secure whether the regions speak TLS with each other
   */
  RegionCluster(
      Path directory, String name, long seed, int turnover, boolean livesForLong, boolean secure)
      throws IOException, GeneralSecurityException {
    this.directory = directory;
    this.name = name;
    this.seed = seed;
    this.turnover = turnover;
    this.livesForLong = livesForLong;
    this.certificates = secure ? makeCertificates(directory.resolve("tls")) : null;
    this.roaming = new Roaming(REGIONS, this::tell, seed);
    Runtime.getRuntime().addShutdownHook(atExit);
    for (int i = 0; i < REGIONS.size(); i++) {
      int region = i;
      File log = log(region);
      Files.deleteIfExists(log.toPath());
      regions.add(
          new RegionJvm(
              REGIONS.get(i), life -> arguments(region, life), recorder, roaming, violations, log));
    }
  }

  private static Path makeCertificates(Path to) throws IOException, GeneralSecurityException {
    Files.createDirectories(to);
    var authority = new TestCertificates("procs");
    authority.certificateTo(to.resolve("ca.pem"));
    for (String region : REGIONS) {
      TestCertificates.Made made = authority.of("default", region);
      made.certificateTo(to.resolve(region + ".pem"));
      made.keyTo(to.resolve(region + ".key"));
    }
    return to;
  }

  private File log(int region) {
    return new File("target", name + "-" + REGIONS.get(region) + ".log");
  }

  private List<String> arguments(int region, int life) {
    var arguments = new ArrayList<String>();
    arguments.add(REGIONS.get(region));
    arguments.add(directory.resolve(REGIONS.get(region)).toString());
    arguments.add("" + life);
    arguments.add("" + (seed * 1_000_003 + life));
    arguments.add(DURABILITIES.get(region));
    arguments.add("" + turnover);
    arguments.add(certificates == null ? "" : certificates.toString());
    for (int other = 0; other < REGIONS.size(); other++) {
      int port = other == region ? ports.get(region) : network.port(region, other);
      arguments.add(REGIONS.get(other) + "=" + port);
    }
    return arguments;
  }

  private void tell(String region, String command) {
    regions.get(REGIONS.indexOf(region)).tellIfThere(command);
  }

  Recorder recorder() {
    return recorder;
  }

  Roaming roaming() {
    return roaming;
  }

  FaultyNetwork network() {
    return network;
  }

  /** All regions begin their first life, and work. */
  void start() throws Exception {
    for (RegionJvm region : regions) {
      region.start(lives++, true);
    }
    roaming.go();
  }

  /** They work again, after they were at rest. */
  void go() throws Exception {
    for (RegionJvm region : regions) {
      region.go();
    }
    roaming.go();
  }

  /** Injects them when they are due. */
  void run(List<Fault> faults, Meanwhile meanwhile) throws Exception {
    story.clear();
    long beginNanos = System.nanoTime();
    long meanwhileNanos = beginNanos;
    for (Fault fault : faults) {
      long dueNanos = beginNanos + TimeUnit.MILLISECONDS.toNanos(fault.atMs());
      while (meanwhileNanos - dueNanos < 0) {
        requireNoViolationUntil(meanwhileNanos);
        meanwhileNanos = System.nanoTime() + meanwhile.beCalledAgainInNanos();
      }
      requireNoViolationUntil(dueNanos);
      story.add(fault.toString());
      inject(fault);
    }
  }

  private void requireNoViolationUntil(long dueNanos) throws InterruptedException {
    requireNoViolation(violations.poll(dueNanos - System.nanoTime(), TimeUnit.NANOSECONDS));
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
      case PAUSE -> {
        paused.add(from);
        region.pause();
      }
      case RESUME -> {
        paused.remove(from);
        region.resume();
      }
    }
  }

  /** Whether all processes can answer just now. */
  boolean areAllAwake() {
    return paused.isEmpty() && regions.stream().allMatch(RegionJvm::isRunning);
  }

  /** What each region holds, after a collection. */
  List<Usage> usage() throws InterruptedException {
    var all = new ArrayList<Usage>();
    for (RegionJvm region : regions) {
      all.add(region.usage());
    }
    return all;
  }

  /** All faults end, every region is up, and nobody reads or writes. */
  void comeToRest() throws Exception {
    network.heal();
    paused.clear();
    for (RegionJvm region : regions) {
      region.resume();
      if (!region.isRunning()) {
        region.start(lives++, true);
      }
    }
    roaming.rest();
    for (RegionJvm region : regions) {
      region.rest();
    }
  }

  /** One state everywhere, in which nothing is lost; and nobody was told what cannot be. */
  List<String> checkTheState() {
    List<String> state = awaitOneState();
    List<KeyState> states =
        state.stream()
            .map(KeyState::parse)
            .filter(each -> !each.key().startsWith(Visits.PREFIX))
            .toList();
    assertThat(recorder.problems(states)).isEmpty();
    assertThat(roaming.problems()).isEmpty();
    requireNoViolation(violations.poll());
    return state;
  }

  /** The same after all of them were killed; they are at rest then. */
  void checkTheStateAfterKilling(List<String> state) throws Exception {
    for (RegionJvm region : regions) {
      region.kill();
    }
    for (RegionJvm region : regions) {
      region.start(lives++, false);
    }
    assertThat(differences(awaitOneState(), state)).as("since all were killed").isEmpty();
    requireNoViolation(violations.poll());
  }

  private List<String> differences(List<String> one, List<String> other) {
    var left = new ArrayList<>(toCompare(one));
    left.removeAll(new HashSet<>(toCompare(other)));
    var differences = new ArrayList<String>();
    Map<String, KeyState> others = new HashMap<>();
    other.stream().map(KeyState::parse).forEach(state -> others.put(state.key(), state));
    for (String each : left) {
      String key = each.substring(0, each.indexOf(' '));
      differences.add(each + " and " + others.get(key));
    }
    return differences;
  }

  private List<String> toCompare(List<String> state) {
    if (livesForLong) {
      return state.stream().map(line -> KeyState.parse(line).lasting()).toList();
    }
    return lives < KeyState.OPENINGS_NAMED
        ? state
        : state.stream().map(line -> KeyState.parse(line).withoutContext().toString()).toList();
  }

  private List<String> awaitOneState() {
    var one = new ArrayList<String>();
    await("all regions have the same state, and know it")
        .atMost(SAFETY)
        .pollInterval(Duration.ofMillis(200))
        .untilAsserted(
            () -> {
              List<String> state = stateAtRest(regions.get(0));
              for (RegionJvm other : regions.subList(1, regions.size())) {
                assertThat(differences(state, stateAtRest(other))).isEmpty();
              }
              one.clear();
              one.addAll(state);
            });
    return one;
  }

  private static List<String> stateAtRest(RegionJvm region) throws InterruptedException {
    List<String> state = region.dump();
    assertThat(state).noneMatch(line -> line.startsWith("behind"));
    assertThat(state).noneMatch(line -> line.endsWith(KeyState.UNREACHABLE));
    assertThat(state).noneMatch(line -> KeyState.parse(line).isBrief());
    return state;
  }

  /** What there is to say when something was wrong. */
  String story() throws IOException {
    var text = new StringBuilder(recorder + "; " + roaming + "\n");
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

  private void endRegions() {
    regions.forEach(RegionJvm::close);
  }

  @Override
  public void close() throws IOException {
    endRegions();
    Runtime.getRuntime().removeShutdownHook(atExit);
    network.close();
  }
}
