package io.metafabric.core.error;

import org.jspecify.annotations.Nullable;

/** The system of record failed. Remedy: see the cause, which is the host's own. */
public class OriginException extends FabricException {
  private static final long serialVersionUID = 1L;

  public OriginException(String message) {
    super(message);
  }

  public OriginException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
