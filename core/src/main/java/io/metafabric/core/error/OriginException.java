package io.metafabric.core.error;

/** The system of record failed. Remedy: see the cause, which is the host's own. */
public class OriginException extends FabricException {
  private static final long serialVersionUID = 1L;

  public OriginException(String message) {
    super(message);
  }

  public OriginException(String message, Throwable cause) {
    super(message, cause);
  }
}
