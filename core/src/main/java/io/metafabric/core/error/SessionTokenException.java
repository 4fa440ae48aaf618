package io.metafabric.core.error;

import org.jspecify.annotations.Nullable;

/**
 * A session token is none, was altered, or is of another cluster or secret. Remedy: begin another
 * session.
 */
public final class SessionTokenException extends FabricException {
  private static final long serialVersionUID = 1L;

  public SessionTokenException(String message) {
    super(message);
  }

  public SessionTokenException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
