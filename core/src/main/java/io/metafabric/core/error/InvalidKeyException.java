package io.metafabric.core.error;

/** A key is empty, too long or malformed. Remedy: use {@code namespace/id} as the message says. */
public class InvalidKeyException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  public InvalidKeyException(String message) {
    super(message);
  }
}
