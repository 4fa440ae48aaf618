package io.metafabric.benchmarks.replay;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;

/**
 * Replays a trace through one policy per region, in virtual time.
 *
 * <p>Each client is a closed loop: it asks for its next key when it has the one before, and when as
 * much time has passed since as had in the trace. A request that misses waits for its fetch, or for
 * what is left of one that is under way. With a latency of 0 every fetch completes at once, and the
 * order of requests is that of the trace.
 */
final class Replayer {
  /** What a fetched record costs on the wire beside its payload. */
  static final int OVERHEAD_BYTES = 200;

  /** Of records whose size the trace does not tell. */
  private static final int TYPICAL_PAYLOAD_BYTES = 200;

  private static final int MAX_PREFETCHES = 4096;

  private final Trace trace;
  private final int latencyMs;
  private final PutMode puts;
  private final RegionMap regionOf;
  private final ReplayPolicy[] policies;
  private final boolean sharesModel;
  private final Progress progress;
  private final int[] buffer = new int[MAX_PREFETCHES];

  private final List<Map<Integer, Flight>> flights = new ArrayList<>();
  private final PriorityQueue<Event> events = new PriorityQueue<>();
  private long sequence;

  private long requests;
  private long misses;
  private long demandFetches;
  private long prefetches;
  private long wideAreaBytes;
  private double stallMs;

  /** How many requests waited for so many milliseconds. */
  private final long[] stalls;

  /** A fetch that is under way, and the rows that wait for it. */
  private static final class Flight {
    final int key;
    final int region;
    final boolean prefetch;
    final long arrivesMs;
    final List<Integer> waiting = new ArrayList<>(1);

    Flight(int key, int region, boolean prefetch, long arrivesMs) {
      this.key = key;
      this.region = region;
      this.prefetch = prefetch;
      this.arrivesMs = arrivesMs;
    }
  }

  /**
   * @param row that is requested, or -1
   * @param flight that arrives, or null
   */
  private record Event(long atMs, long sequence, int row, Flight flight)
      implements Comparable<Event> {
    @Override
    public int compareTo(Event that) {
      int earlier = Long.compare(atMs, that.atMs);
      return earlier != 0 ? earlier : Long.compare(sequence, that.sequence);
    }
  }

  private Replayer(
      Trace trace,
      int latencyMs,
      PutMode puts,
      RegionMap regionOf,
      ReplayPolicy[] policies,
      Progress progress) {
    this.trace = trace;
    this.latencyMs = latencyMs;
    this.puts = puts;
    this.policies = policies;
    this.regionOf = regionOf;
    this.sharesModel = policies.length > 1;
    this.progress = progress;
    this.stalls = new long[latencyMs + 1];
    for (int i = 0; i < policies.length; i++) {
      flights.add(new HashMap<>());
    }
  }

  /**
   * Replays everything.
   *
   * @param capacityPercent that was asked for
   * @param capacity in entries, in each region
   */
  static RunResult run(
      Trace trace,
      String policy,
      double capacityPercent,
      int capacity,
      int latencyMs,
      int regions,
      PutMode puts,
      long seed,
      Progress progress) {
    var regionOf = new RegionMap(trace, regions);
    var policies = new ReplayPolicy[regions];
    for (int i = 0; i < regions; i++) {
      int region = i;
      policies[i] =
          policy.equals(Policies.BELADY)
              ? new BeladyPolicy(trace, capacity, row -> regionOf.of(row) == region, puts)
              : Policies.create(policy, trace, capacity, latencyMs, seed + i);
    }
    var replayer = new Replayer(trace, latencyMs, puts, regionOf, policies, progress);
    progress.begin(trace.name() + " " + policy + " " + capacityPercent + " %");
    long started = System.nanoTime();
    if (latencyMs == 0) {
      replayer.replayAtOnce();
    } else {
      replayer.replayClosedLoops();
    }
    double seconds = Math.max(1, System.nanoTime() - started) / 1e9;
    progress.end();
    return replayer.result(policy, capacityPercent, capacity, seconds);
  }

  private void replayAtOnce() {
    for (int row = 0; row < trace.rows(); row++) {
      if (row % Progress.LOOK_EVERY == 0) {
        progress.at(row, trace.rows());
      }
      long nowMs = trace.timeMs()[row];
      tellOthers(nowMs);
      int region = regionOf.of(row);
      ReplayPolicy policy = policies[region];
      if (isRequest(row)) {
        requests++;
        if (!policy.request(row, nowMs)) {
          misses++;
          countDemandFetch(row);
          policy.arrived(row);
        }
        int wanted = policy.takePrefetches(buffer, nowMs);
        for (int i = 0; i < wanted; i++) {
          countPrefetch(buffer[i]);
          policy.prefetched(buffer[i], false, nowMs);
        }
      }
      write(region, row);
    }
    stalls[0] = requests;
  }

  private boolean isRequest(int row) {
    return puts.requests(trace.put()[row]);
  }

  private void tellOthers(long nowMs) {
    for (int from = 0; sharesModel && from < policies.length; from++) {
      byte[] frame = policies[from].tellOthers(nowMs);
      for (int to = 0; frame != null && to < policies.length; to++) {
        if (to != from) {
          wideAreaBytes += frame.length;
          policies[to].learn(from, frame, nowMs);
        }
      }
    }
  }

  private void write(int region, int row) {
    if (!puts.writes(trace.put()[row])) {
      return;
    }
    policies[region].arrived(row);
    for (int other = 0; other < policies.length; other++) {
      if (other != region) {
        policies[other].outdated(trace.key()[row]);
      }
    }
  }

  private void countDemandFetch(int row) {
    demandFetches++;
    countBytes(trace.size()[row]);
  }

  private void countPrefetch(int key) {
    prefetches++;
    countBytes(sizes()[key]);
  }

  private int[] sizes;

  /** The last known size of each key; a trace that grows its records is priced a little high. */
  private int[] sizes() {
    if (sizes == null) {
      sizes = new int[trace.keys().size()];
      for (int row = 0; row < trace.rows(); row++) {
        if (trace.size()[row] > 0) {
          sizes[trace.key()[row]] = trace.size()[row];
        }
      }
    }
    return sizes;
  }

  private void countBytes(int payloadBytes) {
    wideAreaBytes += OVERHEAD_BYTES + (payloadBytes > 0 ? payloadBytes : TYPICAL_PAYLOAD_BYTES);
  }

  private int[] nextOfClient;

  private void replayClosedLoops() {
    nextOfClient = new int[trace.rows()];
    int[] last = new int[trace.clients().size()];
    Arrays.fill(last, -1);
    for (int row = 0; row < trace.rows(); row++) {
      int client = trace.client()[row];
      nextOfClient[row] = -1;
      if (last[client] == -1) {
        schedule(trace.timeMs()[row], row, null);
      } else {
        nextOfClient[last[client]] = row;
      }
      last[client] = row;
    }
    int done = 0;
    for (Event event = events.poll(); event != null; event = events.poll()) {
      if (event.flight() != null) {
        arrive(event.flight(), event.atMs());
      } else {
        if (done++ % Progress.LOOK_EVERY == 0) {
          progress.at(done, trace.rows());
        }
        tellOthers(event.atMs());
        request(event.row(), event.atMs());
      }
    }
  }

  private void schedule(long atMs, int row, Flight flight) {
    events.add(new Event(atMs, sequence++, row, flight));
  }

  private void request(int row, long nowMs) {
    int region = regionOf.of(row);
    if (!isRequest(row)) {
      finish(row, region, nowMs);
      return;
    }
    requests++;
    boolean hit = policies[region].request(row, nowMs);
    if (!hit) {
      misses++;
      int key = trace.key()[row];
      Flight flight = flights.get(region).get(key);
      if (flight == null) {
        countDemandFetch(row);
        flight = depart(key, region, false, nowMs);
      }
      flight.waiting.add(row);
      int stall = (int) (flight.arrivesMs - nowMs);
      stallMs += stall;
      stalls[stall]++;
    } else {
      stalls[0]++;
    }
    prefetch(region, nowMs);
    if (hit) {
      finish(row, region, nowMs);
    }
  }

  private Flight depart(int key, int region, boolean prefetch, long nowMs) {
    var flight = new Flight(key, region, prefetch, nowMs + latencyMs);
    flights.get(region).put(key, flight);
    schedule(flight.arrivesMs, -1, flight);
    return flight;
  }

  private void prefetch(int region, long nowMs) {
    int wanted = policies[region].takePrefetches(buffer, nowMs);
    for (int i = 0; i < wanted; i++) {
      if (!flights.get(region).containsKey(buffer[i])) {
        countPrefetch(buffer[i]);
        depart(buffer[i], region, true, nowMs);
      }
    }
  }

  private void arrive(Flight flight, long nowMs) {
    flights.get(flight.region).remove(flight.key);
    ReplayPolicy policy = policies[flight.region];
    if (flight.prefetch) {
      policy.prefetched(flight.key, !flight.waiting.isEmpty(), nowMs);
    } else {
      policy.arrived(flight.waiting.get(0));
    }
    for (int row : flight.waiting) {
      finish(row, flight.region, nowMs);
    }
  }

  private void finish(int row, int region, long nowMs) {
    write(region, row);
    int next = nextOfClient[row];
    if (next != -1) {
      long think = Math.max(0, trace.timeMs()[next] - trace.timeMs()[row]);
      schedule(nowMs + think, next, null);
    }
  }

  private RunResult result(String policy, double capacityPercent, int capacity, double seconds) {
    long used = 0;
    long wasted = 0;
    long bytes = 0;
    for (ReplayPolicy each : policies) {
      used += each.prefetchesUsed();
      wasted += each.prefetchesWasted();
      bytes += each.predictorBytes();
    }
    return new RunResult(
        trace.name(),
        policy,
        capacityPercent,
        capacity,
        latencyMs,
        policies.length,
        requests,
        misses,
        demandFetches,
        prefetches,
        used,
        wasted,
        requests == 0 ? 0 : stallMs / requests,
        percentile99(),
        wideAreaBytes,
        bytes,
        Math.round(requests / seconds),
        Arrays.stream(policies).flatMap(each -> each.ranking().stream()).toList());
  }

  private double percentile99() {
    long rank = (long) Math.ceil(requests * 0.99);
    long seen = 0;
    for (int ms = 0; ms < stalls.length; ms++) {
      seen += stalls[ms];
      if (seen >= rank) {
        return ms;
      }
    }
    return latencyMs;
  }
}
