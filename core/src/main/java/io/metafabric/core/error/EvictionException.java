package io.metafabric.core.error;

/**
 * A region was not evicted, or not readmitted; nothing was changed. The message says what to do.
 */
public final class EvictionException extends FabricException {
  private static final long serialVersionUID = 1L;

  public EvictionException(String message) {
    super(message);
  }
}
