package io.metafabric.core.error;

/** The home of a key was not moved; nothing was changed. */
public final class HomeMoveException extends FabricException {
  private static final long serialVersionUID = 1L;

  public HomeMoveException(String message) {
    super(message);
  }
}
