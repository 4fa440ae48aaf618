package io.metafabric.core.error;

/** The fabric was closed. Remedy: open a new one. */
public class FabricClosedException extends IllegalStateException {
  private static final long serialVersionUID = 1L;

  public FabricClosedException(String message) {
    super(message);
  }
}
