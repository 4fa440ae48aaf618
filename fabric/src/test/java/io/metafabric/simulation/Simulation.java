package io.metafabric.simulation;

import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimNetwork;
import io.metafabric.core.sim.SimWorld;
import io.metafabric.core.version.VersionVector;
import io.metafabric.node.SimCluster;
import io.metafabric.replicate.DeltaConfig;
import io.metafabric.replicate.DeltaStats;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** One run of a plan, from the start of all regions to their convergence. */
final class Simulation {
  private static final Duration STARTING = Duration.ofSeconds(1);
  private static final Duration POLL = Duration.ofMillis(500);

  /** A minute would do, but for what is on a link of ten minutes, or of a clock an hour ahead. */
  private static final Duration UNTIL_CONVERGED = Duration.ofMinutes(90);

  private static final int STEPS_BETWEEN_CHECKS = 50;

  private final long seed;
  private final Plan plan;
  private final SimCluster cluster;
  private final List<Site> sites = new ArrayList<>();
  private final Ledger ledger;
  private final Operator operator = new Operator(this);
  private final Travellers travellers;
  private final Invariants invariants;
  private final Map<Runnable, SerialExecutor.Task> ends = new LinkedHashMap<>();
  private @Nullable AssertionError violation;
  private int operations;
  private boolean hasLost;
  private boolean siblingsDiffer;

  private Simulation(long seed, Plan plan) {
    this.seed = seed;
    this.plan = plan;
    this.cluster = plan.setting().cluster(seed);
    cluster.shadows = Shadowing.of(seed).config();
    this.ledger = new Ledger(plan.setting().weather().containsKey(Fault.CLOCK_JUMP));
    cluster.protocols = MixedProtocols.of(seed)::next;
    if (seed % 4 == 3) {
      // Nothing is known to be held elsewhere: what goes as a delta otherwise is told by
      // dictionaries, which few first writes would be.
      cluster.deltas = new DeltaConfig(48, 48, 0, 32 << 20, 1);
    }
    for (RegionName region : cluster.regions) {
      sites.add(new Site(this, cluster, region));
    }
    this.travellers = new Travellers(this);
    cluster.onMustReopen = region -> siteOf(region).reopen();
    this.invariants = new Invariants(this);
  }

  /** The run of a seed, not begun. */
  static Simulation of(long seed) {
    return of(seed, planOf(seed));
  }

  /** The run of a seed with another plan: a part of its own. */
  static Simulation of(long seed, Plan plan) {
    return new Simulation(seed, plan);
  }

  static Plan planOf(long seed) {
    Plan plan = Plan.draw(new Dice(new SimWorld(seed).fork("plan")));
    return Shadowing.of(seed).into(plan);
  }

  void traceTo(PrintWriter target) {
    world().traceTo(target);
  }

  /**
   * @throws AssertionError if an invariant does not hold
   */
  void go() {
    world().trace("seed " + seed + ": " + setting());
    sites.forEach(Site::start);
    world().runFor(STARTING);
    int done = 0;
    for (Plan.Step step : plan.steps()) {
      world().runFor(Duration.ofNanos(step.waitNanos()));
      world().trace(step.action().toString());
      step.action().runIn(this);
      if (++done % STEPS_BETWEEN_CHECKS == 0) {
        invariants.checkNow();
      }
      throwViolation();
    }
    quiet();
  }

  /** All faults end, and soon all regions are the same. */
  private void quiet() {
    world().trace("quiet");
    while (!ends.isEmpty()) {
      end(ends.keySet().iterator().next());
    }
    network().healAll();
    sites.forEach(Site::mend);
    runUntilConverged("of the members");
    while (!operator.readmitAll()) {
      runOn();
    }
    runUntilConverged("of all");
    world().trace(forgotten() + " headers are forgotten");
    world().trace(deltas(DeltaStats::received) + " deltas were taken, of those who stayed up");
    world().trace(deltas(DeltaStats::basesMissing) + " bases were missing there");
    invariants.checkNow();
    invariants.checkAtTheEnd();
    travellers.check();
    throwViolation();
  }

  private void runUntilConverged(String whom) {
    Duration waited = Duration.ZERO;
    String missing = invariants.missingAtTheEnd(false);
    while (missing != null && waited.compareTo(UNTIL_CONVERGED) <= 0) {
      runOn();
      waited = waited.plus(POLL);
      missing = invariants.missingAtTheEnd(false);
    }
    if (missing != null && invariants.missingAtTheEnd(true) != null) {
      throw new AssertionError(world().describe("after " + waited + " of quiet " + missing));
    }
    siblingsDiffer |= missing != null;
    world().trace((missing == null ? "converged" : missing) + " after " + waited + " " + whom);
  }

  private void runOn() {
    world().runFor(POLL);
    throwViolation();
  }

  Travellers travellers() {
    return travellers;
  }

  Operator operator() {
    return operator;
  }

  /** Those that belong to the cluster. */
  List<Site> members() {
    return sites.stream().filter(operator::isMember).toList();
  }

  private Site siteOf(RegionName region) {
    return sites.stream().filter(each -> each.region().equals(region)).findFirst().orElseThrow();
  }

  private long forgotten() {
    return sites.stream().mapToLong(Site::forgotten).sum();
  }

  /** Something that lasts for a while; at the latest it ends with the plan. */
  void endsIn(Duration time, Runnable end) {
    // A method reference may be one object for many callers.
    Runnable own = () -> end.run();
    ends.put(own, world().after(time, "end of a fault", () -> end(own)));
  }

  private void end(Runnable end) {
    SerialExecutor.Task timer = ends.remove(end);
    if (timer != null) {
      timer.cancel();
      end.run();
    }
  }

  SimWorld world() {
    return cluster.world;
  }

  SimNetwork network() {
    return cluster.network;
  }

  Setting setting() {
    return plan.setting();
  }

  List<Key> keys() {
    return setting().keys();
  }

  /** Those whose concurrent writes are kept too. */
  List<Key> allKeys() {
    return Stream.concat(keys().stream(), setting().concurrentKeys().stream()).toList();
  }

  Ledger ledger() {
    return ledger;
  }

  List<Site> sites() {
    return sites;
  }

  Site site(int drawn) {
    return sites.get(drawn % sites.size());
  }

  /** Whether a region may know nothing any more of a key of which it knew this. */
  boolean mayBeForgotten(Key key, Header header) {
    return ledger.mayBeForgotten(key, header, this::isEverywhere);
  }

  /** A region has been opened. */
  void opened() {
    invariants.opened();
  }

  /**
   * All regions that are waited for have applied it, and what it replaced, and their clocks have
   * reached its end, if it has one.
   */
  boolean isEverywhere(Header header) {
    VersionVector changes = header.version().asContext();
    return sites.stream()
        .allMatch(
            site -> !site.isWaitedFor() || (site.hasHad(changes) && site.hasReachedEndOf(header)));
  }

  /** Whether it had expired by some region's clock. */
  boolean mayHaveExpired(Header header) {
    return header.expiresAtMs() != Header.NEVER
        && sites.stream().anyMatch(site -> site.hasReachedEndOf(header));
  }

  /** As drawn, or the next one if that is the same. */
  Site otherThan(int one, int drawn) {
    Site other = site(drawn);
    return other == site(one) ? site(drawn % sites.size() + 1) : other;
  }

  Site readable(int drawn) {
    return first(drawn, Site::isRunning);
  }

  Site writable(int drawn) {
    return first(drawn, Site::isWritable);
  }

  /** The first from {@code drawn} on; time passes until there is one. */
  private Site first(int drawn, Predicate<Site> condition) {
    while (true) {
      for (int i = 0; i < sites.size(); i++) {
        Site candidate = site(drawn + i);
        if (condition.test(candidate)) {
          return candidate;
        }
      }
      world().runFor(POLL);
      throwViolation();
    }
  }

  /**
   * What {@code site} loses with its disk may be lost for good, unless somebody else is up who has
   * it.
   */
  void lostWith(Site site) {
    hasLost = true;
    for (Write write : ledger.writes()) {
      Header written = write.header;
      if (written == null) {
        continue;
      }
      boolean isKnown = false;
      boolean isHeld = write.payload == null;
      for (Site other : sites) {
        if (other != site) {
          isKnown |= other.knows(write, written);
          isHeld |= other.hasPayload(write.key, written);
        }
      }
      write.mayBeLost(!isKnown, !isHeld);
    }
  }

  /** Whether it ended as docs/RULES.md says under "Not yet held": siblings differ for ever. */
  boolean siblingsDiffer() {
    return siblingsDiffer;
  }

  /** Whether some disk ever lost something. */
  boolean hasLost() {
    return hasLost;
  }

  /**
   * Whether an evicted region may be the last to hold a payload, which is back when the region is,
   * or may have replaced it, by what it is to export then. What lies beside its state, from an
   * earlier way back that did not end, is not looked at here.
   */
  boolean isPayloadWithEvicted(Key key, Header header) {
    return members().stream().noneMatch(site -> site.hasPayload(key, header))
        && sites.stream()
            .filter(site -> !operator.isMember(site))
            .anyMatch(
                site ->
                    site.hasPayload(key, header)
                        || site.hasReplaced(key, header)
                        || !site.node().store().payloadsAside().isEmpty());
  }

  void checkDot(Key key, Header header) {
    String problem = ledger.problemOf(key, header);
    if (problem != null) {
      violation(problem, null);
    }
  }

  /** An operation begins. */
  void begins() {
    operations++;
  }

  int operations() {
    return operations;
  }

  /** Since the regions were opened last. */
  long deltas(ToLongFunction<DeltaStats> what) {
    return sites.stream()
        .filter(Site::isUp)
        .mapToLong(site -> what.applyAsLong(site.node().stats().replication().deltas()))
        .sum();
  }

  /** An operation has come to an end. */
  void ended(String what, RegionName region, long which, long result) {
    world().note(what, region.name(), which, result);
  }

  /** The first is thrown once the step that it came up in is done. */
  void violation(String what, @Nullable Throwable cause) {
    if (violation == null) {
      violation = new AssertionError(world().describe(what), cause);
    }
  }

  private void throwViolation() {
    if (violation != null) {
      throw violation;
    }
  }
}
