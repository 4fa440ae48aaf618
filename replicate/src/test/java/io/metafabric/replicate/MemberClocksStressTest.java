package io.metafabric.replicate;

import io.metafabric.core.record.RegionName;
import io.metafabric.core.stress.LinearizableOperations;
import java.util.List;
import org.jetbrains.lincheck.datastructures.BooleanGen;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;

/** The loop hears members and follows the configuration, others ask. */
@Param(name = "wallMs", gen = IntGen.class, conf = "1:5")
public class MemberClocksStressTest extends LinearizableOperations {
  private static final RegionName OSLO = new RegionName("oslo");
  private static final RegionName ROME = new RegionName("rome");

  private final MemberClocks clocks = new MemberClocks(List.of(OSLO, ROME));

  @Operation
  public void heard(
      @Param(gen = BooleanGen.class) boolean one, @Param(name = "wallMs") int wallMs) {
    clocks.heard(one ? OSLO : ROME, wallMs);
  }

  @Operation
  public void evicted() {
    clocks.exclude(ROME);
  }

  @Operation
  public void readmitted() {
    clocks.include(ROME);
  }

  @Operation
  public long leastMs(@Param(name = "wallMs") int ownMs) {
    return clocks.leastMs(ownMs);
  }
}
