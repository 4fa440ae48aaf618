package io.metafabric.core.error;

import org.jspecify.annotations.Nullable;

/**
 * Something outside the caller's control failed; each subtype has one remedy, which its message
 * names.
 */
public class FabricException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public FabricException(String message) {
    super(message);
  }

  public FabricException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
