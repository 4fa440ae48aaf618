package io.metafabric.core.wire;

import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.record.Bytes;
import org.jspecify.annotations.Nullable;

/** Tells a value as what is not as in another one. Not thread-safe. */
public interface DeltaCoding extends AutoCloseable {
  /** Null if that would not be shorter than the value, or there is no telling it by the base. */
  @Nullable Bytes encode(Bytes base, Bytes value);

  /**
   * @param base what the value was told by
   * @param valueBytes how long the value must be; the caller has bounded it
   * @throws WireFormatException if it does not come to exactly that
   */
  Bytes decode(Bytes base, Bytes delta, int valueBytes);

  @Override
  void close();
}
