package io.metafabric.simulation;

import io.metafabric.core.sim.SimWorld;
import io.metafabric.core.wire.FrameCodec;
import io.metafabric.replicate.ProtocolRange;

/**
 * Which versions of the protocol the regions of a run speak: in a third of the seeds, at each
 * start, all or those before the newest, as in a cluster whose regions are given another version of
 * the library one after the other, or the old one back. Drawn apart from the plan.
 */
final class MixedProtocols {
  private static final ProtocolRange BEFORE =
      new ProtocolRange(FrameCodec.MIN_PROTOCOL, FrameCodec.PROTOCOL - 1);

  private final Dice dice;
  private final boolean mixed;

  private MixedProtocols(Dice dice) {
    this.dice = dice;
    this.mixed = dice.chance(1.0 / 3);
  }

  static MixedProtocols of(long seed) {
    return new MixedProtocols(new Dice(new SimWorld(seed).fork("protocols")));
  }

  boolean isMixed() {
    return mixed;
  }

  /** For the next region that starts. */
  ProtocolRange next() {
    return mixed && dice.chance(0.5) ? BEFORE : ProtocolRange.ALL;
  }
}
