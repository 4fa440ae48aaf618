package io.metafabric.replicate;

import io.metafabric.core.record.RegionName;
import io.metafabric.core.stress.LinearizableOperations;
import java.util.List;
import org.jetbrains.lincheck.datastructures.BooleanGen;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;

/** One thread publishes, others acknowledge and ask. */
@Param(name = "counter", gen = IntGen.class, conf = "1:3")
public class PublicationTimesStressTest extends LinearizableOperations {
  private static final RegionName OSLO = new RegionName("oslo");
  private static final RegionName ROME = new RegionName("rome");
  private static final long MOMENT_NANOS = 1_000_000;

  private final PublicationTimes times = new PublicationTimes(List.of(OSLO, ROME));
  private long published;

  @Operation(nonParallelGroup = "writer")
  public void published() {
    published++;
    times.published(published, published * MOMENT_NANOS);
  }

  @Operation
  public void acknowledged(
      @Param(gen = BooleanGen.class) boolean one, @Param(name = "counter") int counter) {
    times.acknowledged(one ? OSLO : ROME, counter);
  }

  @Operation
  public void evicted() {
    times.exclude(ROME);
  }

  @Operation
  public void readmitted() {
    times.include(ROME);
  }

  @Operation
  public long firstLackingAtMs(@Param(gen = BooleanGen.class) boolean one) {
    return times.firstLackingAt(one ? OSLO : ROME, 9 * MOMENT_NANOS) / MOMENT_NANOS;
  }
}
