package io.metafabric.benchmarks.replay;

/** Adds up what a policy costs. Not thread-safe. */
final class CostMeter {
  private final PriceSheet sheet;
  private long reads;
  private long remoteReads;
  private long stalled;
  private long fetches;
  private long copies;
  private long bytes;
  private double transfer;
  private double headers;
  private double storage;
  private double requests;
  private double stallMs;
  private long sameBytes;
  private double same;

  CostMeter(PriceSheet sheet) {
    this.sheet = sheet;
  }

  void read() {
    reads++;
  }

  void remoteRead() {
    remoteReads++;
  }

  void stall(double ms) {
    stalled++;
    stallMs += ms;
  }

  void fetch() {
    fetches++;
  }

  void copy() {
    copies++;
  }

  void ask() {
    requests += sheet.request();
  }

  void send(int from, int to, long count) {
    bytes += count;
    transfer += sheet.transfer(from, to, count);
  }

  void sendHeader(int from, int to, long count) {
    headers += sheet.transfer(from, to, count);
    send(from, to, count);
  }

  void store(int region, long count, double ms) {
    storage += sheet.storage(region, count, ms);
  }

  void sendSame(int from, int to, long count) {
    sameBytes += count;
    same += sheet.transfer(from, to, count);
  }

  void storeSame(int region, long count, double ms) {
    same += sheet.storage(region, count, ms);
  }

  CostResult result(
      CostWorld world, String policy, double savedMs, double capacityPercent, int capacity) {
    return new CostResult(
        world.trace.name(),
        policy,
        sheet.name(),
        savedMs,
        capacityPercent,
        capacity,
        reads,
        remoteReads,
        stalled,
        fetches,
        copies,
        bytes,
        transfer,
        headers,
        storage,
        requests,
        stallMs,
        sameBytes,
        same,
        world.clipped,
        world.unknown);
  }
}
