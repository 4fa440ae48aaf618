package io.metafabric.core.error;

/** The listener could not be bound. Remedy: use a free port, or an address of this machine. */
public class ListenException extends FabricException {
  private static final long serialVersionUID = 1L;

  public ListenException(String message) {
    super(message);
  }

  public ListenException(String message, Throwable cause) {
    super(message, cause);
  }
}
