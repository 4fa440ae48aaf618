package io.metafabric.predict;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;

/** A predictor whose learning outlives its fabric. */
public interface PersistentPredictor extends Predictor {
  /**
   * Writes all that it has learned. Never called beside another method; those that predict wait for
   * it, so it should take milliseconds.
   */
  void save(ByteWriter out);

  /**
   * One that is configured like this and has learned what {@link #save} wrote. This one stays as it
   * is, and may be at work on another thread meanwhile: only its configuration may be looked at.
   *
   * @throws io.metafabric.core.error.WireFormatException if it is not what was written, was written
   *     by a differently configured one, or is beyond the bound; nothing is taken for granted
   */
  Predictor restored(ByteReader in);
}
