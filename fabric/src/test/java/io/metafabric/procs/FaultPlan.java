package io.metafabric.procs;

import io.metafabric.procs.Fault.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;

/**
 * All that shall go wrong in a run, from one seed: each kind of fault once, in any order, then
 * whatever comes. Most last for a while, and many overlap.
 */
final class FaultPlan {
  private static final List<Kind> BEGINNINGS =
      List.of(
          Kind.DELAY,
          Kind.THROTTLE,
          Kind.SWALLOW,
          Kind.RESET,
          Kind.CLOSE,
          Kind.HALF_CLOSE,
          Kind.REFUSE,
          Kind.KILL,
          Kind.SHUT_DOWN,
          Kind.PAUSE);
  private static final List<Kind> SPARING_PROCESSES =
      BEGINNINGS.stream().filter(kind -> kind != Kind.KILL && kind != Kind.SHUT_DOWN).toList();

  private final Random random;
  private final int regions;
  private final long durationMs;
  private final List<Kind> beginnings;
  private final List<Fault> faults = new ArrayList<>();
  // Until when a region's process is down, on its way, or stands still.
  private final long[] busyUntilMs;

  private FaultPlan(long seed, int regions, long durationMs, List<Kind> beginnings) {
    this.random = new Random(seed);
    this.regions = regions;
    this.durationMs = durationMs;
    this.beginnings = beginnings;
    this.busyUntilMs = new long[regions];
  }

  /** In the order of time. */
  static List<Fault> of(long seed, int regions, long durationMs) {
    return new FaultPlan(seed, regions, durationMs, BEGINNINGS).ordered();
  }

  /** The same; but processes may stand still, and never end. */
  static List<Fault> sparingProcesses(long seed, int regions, long durationMs) {
    return new FaultPlan(seed, regions, durationMs, SPARING_PROCESSES).ordered();
  }

  private List<Fault> ordered() {
    make();
    faults.sort(Comparator.comparingLong(Fault::atMs));
    return List.copyOf(faults);
  }

  private void make() {
    var first = new ArrayList<>(beginnings);
    Collections.shuffle(first, random);
    var due = new ArrayDeque<>(first);
    for (long atMs = 500; atMs < durationMs; atMs += between(100, 1000)) {
      Kind next = due.isEmpty() ? beginnings.get(random.nextInt(beginnings.size())) : due.poll();
      boolean begun =
          next == Kind.KILL || next == Kind.SHUT_DOWN || next == Kind.PAUSE
              ? addToAProcess(atMs, next)
              : addToALink(atMs, next);
      if (!begun) {
        due.add(next);
      }
    }
  }

  private boolean addToAProcess(long atMs, Kind kind) {
    int region = random.nextInt(regions);
    if (busyUntilMs[region] > atMs) {
      return false;
    }
    long untilMs;
    if (kind == Kind.PAUSE) {
      untilMs = atMs + oftenShort(100, 6000);
      add(atMs, kind, region, region, 0);
      if (random.nextInt(3) > 0 || !beginnings.contains(Kind.KILL)) {
        add(untilMs, Kind.RESUME, region, region, 0);
      } else {
        add(untilMs, Kind.KILL, region, region, 0);
        add(untilMs, Kind.START, region, region, 0);
      }
    } else {
      untilMs = atMs + oftenShort(10, 4000);
      add(atMs, kind, region, region, 0);
      add(untilMs, Kind.START, region, region, 0);
    }
    busyUntilMs[region] = untilMs + 1;
    return true;
  }

  private boolean addToALink(long atMs, Kind kind) {
    int from = random.nextInt(regions);
    int to = (from + 1 + random.nextInt(regions - 1)) % regions;
    switch (kind) {
      case DELAY -> {
        add(atMs, kind, from, to, between(5, 250));
        add(atMs + between(500, 5000), Kind.FULL_SPEED, from, to, 0);
      }
      case THROTTLE -> {
        add(atMs, kind, from, to, oftenShort(20_000, 500_000));
        add(atMs + between(500, 5000), Kind.FULL_SPEED, from, to, 0);
      }
      case SWALLOW -> {
        add(atMs, kind, from, to, 0);
        add(
            atMs + oftenShort(200, 7000),
            random.nextBoolean() ? Kind.PASS : Kind.PASS_ANEW,
            from,
            to,
            0);
      }
      case REFUSE -> {
        add(atMs, kind, from, to, 0);
        add(atMs + between(200, 3000), Kind.ACCEPT, from, to, 0);
      }
      default -> add(atMs, kind, from, to, 0);
    }
    return true;
  }

  private void add(long atMs, Kind kind, int region, int other, int amount) {
    if (atMs < durationMs) {
      faults.add(new Fault(atMs, kind, region, other, amount));
    }
  }

  private int between(int least, int most) {
    return least + random.nextInt(most - least + 1);
  }

  private int oftenShort(int least, int most) {
    return between(least, between(least, most));
  }
}
