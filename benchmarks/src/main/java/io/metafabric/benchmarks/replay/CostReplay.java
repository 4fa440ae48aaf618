package io.metafabric.benchmarks.replay;

import java.util.Arrays;
import java.util.PriorityQueue;

/**
 * Replays a {@link CostWorld} through one policy, in the time of the trace: clients do not wait for
 * what they read, so that all policies are asked the same. A fetch takes a round trip, what is sent
 * along with a change half of one; who reads meanwhile waits for the rest.
 */
final class CostReplay {
  /** Of a header, a request or an answer, beside the payload. */
  static final int OVERHEAD_BYTES = Replayer.OVERHEAD_BYTES;

  private static final int MAX_PREFETCHES = 4096;
  private static final int NOBODY = -1;

  private final CostWorld world;
  private final CostPolicy policy;
  private final CostMeter meter;
  private final PriorityQueue<Flight> flights = new PriorityQueue<>();

  /** By key, as what follows. */
  private final Flight[] underWay;

  private final int[] version;
  private final int[] bytes;

  /** Up to when the storage of a copy is charged, if there is one. */
  private final double[] chargedMs;

  private final double[] sameChargedMs;
  private final int[] buffer = new int[MAX_PREFETCHES];
  private long sequence;

  private enum Kind {
    FETCH,
    PREFETCH,
    SENT
  }

  private static final class Flight implements Comparable<Flight> {
    final double arrivesMs;
    final long sequence;
    final Kind kind;
    final int key;
    final int version;

    /** That asked, or the first that joined. */
    int row;

    Flight(double arrivesMs, long sequence, Kind kind, int key, int version, int row) {
      this.arrivesMs = arrivesMs;
      this.sequence = sequence;
      this.kind = kind;
      this.key = key;
      this.version = version;
      this.row = row;
    }

    @Override
    public int compareTo(Flight that) {
      int earlier = Double.compare(arrivesMs, that.arrivesMs);
      return earlier != 0 ? earlier : Long.compare(sequence, that.sequence);
    }
  }

  CostReplay(CostWorld world, CostPolicy policy) {
    this.world = world;
    this.policy = policy;
    this.meter = new CostMeter(world.sheet);
    int keys = world.home.length;
    this.underWay = new Flight[keys];
    this.version = new int[keys];
    this.bytes = new int[keys];
    this.chargedMs = new double[keys];
    this.sameChargedMs = new double[keys];
    Arrays.fill(sameChargedMs, -1);
  }

  CostMeter run(Progress progress) {
    int rows = world.timeMs.length;
    for (int row = 0; row < rows; row++) {
      long nowMs = world.timeMs[row];
      if (row % Progress.LOOK_EVERY == 0) {
        progress.at(row, rows);
      }
      arriveUntil(nowMs);
      if (world.reads[row]) {
        read(row, nowMs);
      }
      if (world.creates[row] || world.writes[row]) {
        write(row, nowMs);
      }
    }
    long endMs = world.timeMs[rows - 1];
    arriveUntil(endMs);
    for (int key = 0; key < bytes.length; key++) {
      charge(key, endMs);
      chargeSame(key, endMs);
    }
    return meter;
  }

  private void read(int row, long nowMs) {
    int key = world.trace.key()[row];
    int region = world.region[row];
    meter.read();
    if (world.holdsAlways(key, region)) {
      policy.readElsewhere(row, nowMs);
    } else {
      meter.remoteRead();
      charge(key, nowMs);
      if (!policy.read(row, nowMs)) {
        miss(row, key, nowMs);
      }
      meter.send(world.reader[key], world.home[key], policy.toldBytes(key));
    }
    int wanted = policy.takePrefetches(region, buffer, nowMs);
    for (int i = 0; i < wanted; i++) {
      meter.copy();
      depart(Kind.PREFETCH, buffer[i], nowMs + world.rttMs(buffer[i]), NOBODY);
      ask(buffer[i]);
    }
  }

  private void miss(int row, int key, long nowMs) {
    Flight flight = underWay[key];
    if (flight == null || flight.version != version[key]) {
      meter.fetch();
      ask(key);
      flight = new Flight(nowMs + world.rttMs(key), sequence++, Kind.FETCH, key, version[key], row);
      if (policy.hearsOfChanges()) {
        underWay[key] = flight;
        flights.add(flight);
      }
    } else if (flight.row == NOBODY) {
      flight.row = row;
    }
    meter.stall(flight.arrivesMs - nowMs);
  }

  private void ask(int key) {
    meter.ask();
    meter.send(world.source(key), world.reader[key], OVERHEAD_BYTES + (long) bytes[key]);
  }

  private void depart(Kind kind, int key, double arrivesMs, int row) {
    var flight = new Flight(arrivesMs, sequence++, kind, key, version[key], row);
    underWay[key] = flight;
    flights.add(flight);
  }

  private void arriveUntil(long nowMs) {
    while (!flights.isEmpty() && flights.peek().arrivesMs <= nowMs) {
      arrive(flights.poll());
    }
  }

  private void arrive(Flight flight) {
    int key = flight.key;
    long atMs = (long) Math.ceil(flight.arrivesMs);
    charge(key, atMs);
    if (underWay[key] == flight) {
      underWay[key] = null;
    }
    if (flight.version != version[key]) {
      // Who waited is served, but what is older than what is known of is not kept.
      policy.overtaken(key, flight.kind == Kind.PREFETCH);
      return;
    }
    switch (flight.kind) {
      case FETCH -> policy.arrived(flight.row, atMs);
      case PREFETCH -> policy.prefetched(key, flight.row != NOBODY, atMs);
      case SENT -> policy.sent(key, atMs);
    }
  }

  private void write(int row, long nowMs) {
    int key = world.trace.key()[row];
    int writer = world.region[row];
    int reader = world.reader[key];
    chargeSame(key, nowMs);
    charge(key, nowMs);
    version[key]++;
    bytes[key] = world.payloadBytes[row];
    sameChargedMs[key] = nowMs;
    for (int region : new int[] {world.home[key], world.backup[key]}) {
      if (region != writer) {
        meter.sendSame(writer, region, OVERHEAD_BYTES + (long) bytes[key]);
      }
    }
    if (writer == reader) {
      policy.wroteHere(row, nowMs);
      return;
    }
    if (policy.hearsOfChanges()) {
      meter.sendHeader(writer, reader, OVERHEAD_BYTES);
    }
    if (policy.changed(key, bytes[key], nowMs)) {
      int sender = policy.sender(key, writer);
      boolean along = sender == writer;
      double heardMs = along ? nowMs : nowMs + world.sheet.rttMs(writer, sender) / 2;
      meter.copy();
      meter.send(sender, reader, bytes[key] + (along ? 0L : OVERHEAD_BYTES));
      depart(Kind.SENT, key, heardMs + world.sheet.rttMs(sender, reader) / 2, NOBODY);
    }
  }

  /** Before anything about the copy changes. */
  private void charge(int key, double nowMs) {
    double heldMs = Math.min(nowMs, policy.storedUntilMs(key)) - chargedMs[key];
    if (heldMs > 0) {
      meter.store(world.reader[key], bytes[key], heldMs);
    }
    chargedMs[key] = nowMs;
  }

  private void chargeSame(int key, double nowMs) {
    if (sameChargedMs[key] >= 0) {
      double ms = nowMs - sameChargedMs[key];
      meter.storeSame(world.home[key], bytes[key], ms);
      meter.storeSame(world.backup[key], bytes[key], ms);
      sameChargedMs[key] = nowMs;
    }
  }
}
