package io.metafabric.core.error;

/**
 * This region was evicted by an operator, and nothing is written here any more. Nothing was stored.
 * Write in another region, or have it readmitted there.
 */
public final class EvictedException extends FabricException {
  private static final long serialVersionUID = 1L;

  public EvictedException(String message) {
    super(message);
  }
}
