package io.metafabric.replicate.arm;

import io.metafabric.core.stress.LinearizableOperations;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;

/** Room that several kinds of copies take at once. */
@Param(name = "bytes", gen = IntGen.class, conf = "30:60")
public class CopyRoomStressTest extends LinearizableOperations {
  private final CopyRoom room = new CopyRoom(100);

  @Operation
  public boolean take(@Param(name = "bytes") int bytes) {
    return room.take(bytes);
  }

  @Operation
  public boolean takeIfFree(@Param(name = "bytes") int bytes) {
    return room.takeIfFree(bytes);
  }

  @Operation
  public void release(@Param(name = "bytes") int bytes) {
    room.release(bytes);
  }

  @Operation
  public long bytes() {
    return room.bytes();
  }
}
