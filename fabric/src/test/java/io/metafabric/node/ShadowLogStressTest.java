package io.metafabric.node;

import io.metafabric.core.record.Key;
import io.metafabric.core.stress.LinearizableOperations;
import java.util.List;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;

/** Decisions that fill half of the log each are found in order, until others push them out. */
public class ShadowLogStressTest extends LinearizableOperations {
  private static final Key KEY = Key.of("n/1");
  private static final String LONG = "x".repeat((int) ShadowLog.MAX_BYTES / 2 - 300);

  private final ShadowLog log = new ShadowLog();

  @Operation
  public void add(@Param(gen = IntGen.class, conf = "1:9") int what) {
    log.add(KEY, what + LONG);
  }

  @Operation
  public List<Character> decisions() {
    return log.on(KEY).stream().map(what -> what.charAt(0)).toList();
  }

  @Operation
  public long bytes() {
    return log.retainedBytes();
  }
}
