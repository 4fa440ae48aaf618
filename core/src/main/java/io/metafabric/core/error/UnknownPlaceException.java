package io.metafabric.core.error;

/**
 * Nothing is known from which to tell how near the regions are to a client. Remedy: configure what
 * the message names, or give a place or measured times with the call.
 */
public final class UnknownPlaceException extends FabricException {
  private static final long serialVersionUID = 1L;

  public UnknownPlaceException(String message) {
    super(message);
  }

  public UnknownPlaceException(String message, Throwable cause) {
    super(message, cause);
  }
}
