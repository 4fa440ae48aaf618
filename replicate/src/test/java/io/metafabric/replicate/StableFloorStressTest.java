package io.metafabric.replicate;

import io.metafabric.core.record.RegionName;
import io.metafabric.core.stress.LinearizableOperations;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.Frame;
import java.util.List;
import org.jetbrains.lincheck.datastructures.BooleanGen;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;

/** Two regions say how far they are, come and go, while the floor is asked for. */
@Param(name = "peer", gen = BooleanGen.class)
@Param(name = "counter", gen = IntGen.class, conf = "1:4")
public class StableFloorStressTest extends LinearizableOperations {
  private static final RegionName OSLO = new RegionName("oslo");
  private static final RegionName ROME = new RegionName("rome");
  private static final ActorId ACTOR = new ActorId(1);

  private final StableFloor floor = new StableFloor(List.of(OSLO, ROME));

  private static RegionName region(boolean one) {
    return one ? OSLO : ROME;
  }

  private static VersionVector upTo(int counter) {
    return VersionVector.EMPTY.with(new Dot(ACTOR, counter));
  }

  @Operation
  public void heard(
      @Param(name = "peer") boolean one,
      @Param(gen = BooleanGen.class) boolean whole,
      @Param(name = "counter") int counter) {
    floor.heard(region(one), new Frame.Progress(whole, upTo(counter)));
  }

  @Operation
  public void exclude(@Param(name = "peer") boolean one) {
    floor.exclude(region(one));
  }

  @Operation
  public void include(@Param(name = "peer") boolean one) {
    floor.include(region(one));
  }

  @Operation
  public long stable(@Param(name = "counter") int here) {
    return floor.stable(upTo(here)).counter(ACTOR);
  }
}
