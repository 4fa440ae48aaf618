package io.metafabric.node;

import io.metafabric.core.record.Key;
import io.metafabric.core.stress.LinearizableOperations;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;

/** Keys come and go, and weigh what they weigh. */
@Param(name = "id", gen = IntGen.class, conf = "1:2")
public class InvalidatedCopiesStressTest extends LinearizableOperations {
  private final InvalidatedCopies copies = new InvalidatedCopies();

  private static Key key(int id) {
    return Key.of("n/" + id);
  }

  @Operation
  public void add(@Param(name = "id") int id) {
    copies.add(key(id));
  }

  @Operation
  public boolean contains(@Param(name = "id") int id) {
    return copies.contains(key(id));
  }

  @Operation
  public void remove(@Param(name = "id") int id) {
    copies.remove(key(id));
  }

  @Operation
  public long bytes() {
    return copies.estimatedBytes();
  }
}
