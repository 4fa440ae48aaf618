package io.metafabric.core.wire;

import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.record.Bytes;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Tells a value as what is not as in another one, or in a dictionary of what many have in common.
 * Not thread-safe, but for {@link #train}.
 */
public interface DeltaCoding extends AutoCloseable {
  /** Null if that would not be shorter than the value, or there is no telling it by the base. */
  @Nullable Bytes encode(Bytes base, Bytes value);

  /**
   * @param base what the value was told by
   * @param valueBytes how long the value must be; the caller has bounded it
   * @throws WireFormatException if it does not come to exactly that
   */
  Bytes decode(Bytes base, Bytes delta, int valueBytes);

  /**
   * Learns what values have in common: takes milliseconds. Any thread. The same samples make the
   * same dictionary.
   *
   * @return null if they are too few, or have nothing in common
   */
  @Nullable TrainedDictionary train(List<Bytes> samples, int maxBytes);

  /** Null if that would not be shorter than the value. */
  @Nullable Bytes encodeBy(Bytes dictionary, Bytes value);

  /**
   * @param dictionary as the other side gave it: whatever it is
   * @param valueBytes how long the value must be; the caller has bounded it
   * @throws WireFormatException if it does not come to exactly that
   */
  Bytes decodeBy(Bytes dictionary, Bytes told, int valueBytes);

  @Override
  void close();
}
