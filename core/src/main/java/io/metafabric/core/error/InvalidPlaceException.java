package io.metafabric.core.error;

/** A place, or a time to a place, that there cannot be. Remedy: correct what the message names. */
public final class InvalidPlaceException extends FabricException {
  private static final long serialVersionUID = 1L;

  public InvalidPlaceException(String message) {
    super(message);
  }
}
