package io.metafabric.replicate;

import io.metafabric.core.stress.LinearizableOperations;
import java.time.Duration;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;

/** The rhythm that is told is that of the same signs of life in some order. */
@Param(name = "nowMs", gen = IntGen.class, conf = "1:99")
public class PhiAccrualDetectorStressTest extends LinearizableOperations {
  private final PhiAccrualDetector detector =
      new PhiAccrualDetector(Duration.ofMillis(100), Duration.ofMillis(1));

  private static long nanos(int ms) {
    return ms * 1_000_000L;
  }

  @Operation
  public void heartbeat(@Param(name = "nowMs") int nowMs) {
    detector.heartbeat(nanos(nowMs));
  }

  @Operation
  public double deviationMs() {
    return detector.deviationMs();
  }

  @Operation
  public void heard(@Param(name = "nowMs") int nowMs) {
    detector.heard(nanos(nowMs));
  }

  @Operation
  public void forget() {
    detector.forget();
  }

  @Operation
  public double meanMs() {
    return detector.meanMs();
  }

  @Operation
  public double phi() {
    return detector.phi(nanos(1000));
  }
}
