package io.metafabric.replicate.arm;

import io.metafabric.core.stress.LinearizableOperations;
import java.util.concurrent.atomic.AtomicInteger;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;

/** Copies of two paths that outweigh the room together, each at a time of its own. */
@Param(name = "path", gen = IntGen.class, conf = "1:2")
@Param(name = "copy", gen = IntGen.class, conf = "50:80")
@Param(name = "time", gen = IntGen.class, conf = "0:3")
public class KeptCopiesStressTest extends LinearizableOperations {
  private final AtomicInteger pushedOut = new AtomicInteger();
  private final KeptCopies<Integer> kept =
      new KeptCopies<>(100, new CopyRoom(100), pushedOut::addAndGet);

  private static double ms(int time) {
    return time * CopyKeeper.LEAST_MS;
  }

  @Operation
  public boolean put(
      @Param(name = "path") int path,
      @Param(name = "copy") int copy,
      @Param(name = "time") int time) {
    return kept.put(
        "n/" + path, copy, KeptCopy.Cause.READ, copy, 2 * CopyKeeper.LEAST_MS, ms(time));
  }

  @Operation
  public Integer get(@Param(name = "path") int path) {
    return kept.get("n/" + path, 0);
  }

  @Operation
  public void drop(@Param(name = "path") int path) {
    kept.drop("n/" + path);
  }

  @Operation
  public void sweep(@Param(name = "time") int time) {
    kept.sweep(ms(time));
  }

  @Operation
  public void setMaxBytes(@Param(name = "copy") int bytes) {
    kept.setMaxBytes(bytes);
  }

  @Operation
  public String stats() {
    return kept.stats() + ", pushed out in sum " + pushedOut;
  }
}
