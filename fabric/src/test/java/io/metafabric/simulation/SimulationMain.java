package io.metafabric.simulation;

/** Runs seeds: {@code <first> <count>}; a line for each, with the hash of all its events. */
final class SimulationMain {
  private SimulationMain() {}

  public static void main(String[] args) {
    long first = Long.parseLong(args[0]);
    long count = Long.parseLong(args[1]);
    long nanos = 0;
    long begun = System.nanoTime();
    for (long seed = first; seed < first + count; seed++) {
      Simulation run = Simulation.of(seed);
      String failure = "";
      try {
        run.go();
      } catch (Throwable e) {
        failure = " " + e;
        if (Boolean.getBoolean("sim.verbose")) e.printStackTrace();
      }
      System.out.println(
          seed
              + " "
              + run.world().traceHash()
              + " "
              + run.world().nanoTime() / 1000000
              + "ms "
              + run.world().steps()
              + " steps"
              + failure.lines().findFirst().orElse(""));
      nanos += run.world().nanoTime();
    }
    double s = (System.nanoTime() - begun) / 1e9;
    System.out.println(count / s + " seeds/s, x" + nanos / 1e9 / s);
  }
}
