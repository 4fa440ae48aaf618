package io.metafabric.core.error;

import org.jspecify.annotations.Nullable;

/** The listener could not be bound. Remedy: use a free port, or an address of this machine. */
public class ListenException extends FabricException {
  private static final long serialVersionUID = 1L;

  public ListenException(String message) {
    super(message);
  }

  public ListenException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
