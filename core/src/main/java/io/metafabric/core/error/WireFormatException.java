package io.metafabric.core.error;

import org.jspecify.annotations.Nullable;

/** Bytes from disk or network do not have the form they must have; nothing of them was used. */
public class WireFormatException extends FabricException {
  private static final long serialVersionUID = 1L;

  public WireFormatException(String message) {
    super(message);
  }

  public WireFormatException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
