package io.metafabric.predict;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;

/** A predictor whose learning outlives its fabric. The same thread calls it as any predictor. */
public interface PersistentPredictor extends Predictor {
  /** Writes all that it has learned; takes milliseconds, not more. */
  void save(ByteWriter out);

  /**
   * One that is configured like this and has learned what {@link #save} wrote. This one stays as it
   * is.
   *
   * @throws io.metafabric.core.error.WireFormatException if it is not what was written, was written
   *     by a differently configured one, or is beyond the bound; nothing is taken for granted
   */
  Predictor restored(ByteReader in);
}
