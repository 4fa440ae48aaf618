package io.metafabric.core.error;

/**
 * The clock of this node and those of others are too far apart. Nothing was stored. Set the clock
 * that is wrong.
 */
public final class ClockSkewException extends FabricException {
  private static final long serialVersionUID = 1L;

  public ClockSkewException(String message) {
    super(message);
  }
}
