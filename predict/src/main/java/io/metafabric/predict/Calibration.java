package io.metafabric.predict;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.error.WireFormatException;
import java.util.function.IntToDoubleFunction;

/**
 * How often what was said came true, for each of a number of kinds of saying it. Recent outcomes
 * count more. Not thread-safe.
 */
final class Calibration {
  private static final double DECAY = 0.999;

  private final double[] came;
  private final double[] said;
  private final IntToDoubleFunction prior;
  private final double priorWeight;

  /**
   * @param kinds how many there are
   * @param prior the share that is assumed of each kind before anything is known
   * @param priorWeight so many outcomes are needed to count as much as the prior
   */
  Calibration(int kinds, IntToDoubleFunction prior, double priorWeight) {
    this.prior = prior;
    this.priorWeight = priorWeight;
    this.came = new double[kinds];
    this.said = new double[kinds];
  }

  void add(int kind, boolean cameTrue) {
    came[kind] = came[kind] * DECAY + (cameTrue ? 1 : 0);
    said[kind] = said[kind] * DECAY + 1;
  }

  /** In (0, 1). */
  double probability(int kind) {
    return (came[kind] + prior.applyAsDouble(kind) * priorWeight) / (said[kind] + priorWeight);
  }

  /** Outcomes of this kind, the older ones counted less. */
  double said(int kind) {
    return said[kind];
  }

  void save(ByteWriter out) {
    out.i32(said.length);
    for (int kind = 0; kind < said.length; kind++) {
      Saved.number(out, came[kind]);
      Saved.number(out, said[kind]);
    }
  }

  /**
   * @throws WireFormatException if it is not what {@link #save} wrote, or of other kinds
   */
  void restore(ByteReader in) {
    if (in.i32("kinds") != said.length) {
      throw new WireFormatException("there were other kinds of outcomes");
    }
    for (int kind = 0; kind < said.length; kind++) {
      came[kind] = Saved.number(in, "outcomes that came true", 0, 1 / (1 - DECAY) + 1);
      said[kind] = Saved.number(in, "outcomes", came[kind], 1 / (1 - DECAY) + 1);
    }
  }

  long retainedBytes() {
    return 2L * Double.BYTES * said.length;
  }
}
