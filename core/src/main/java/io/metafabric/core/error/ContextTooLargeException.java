package io.metafabric.core.error;

/**
 * So many openings of so many directories have written a key, or are said to have, that what a
 * write of it has seen cannot be told to other regions. Nothing was stored. Use another key; where
 * the last writer wins, and outside of a session, this does not happen.
 */
public final class ContextTooLargeException extends FabricException {
  private static final long serialVersionUID = 1L;

  public ContextTooLargeException(String message) {
    super(message);
  }
}
