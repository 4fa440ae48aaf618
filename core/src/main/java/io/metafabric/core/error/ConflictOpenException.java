package io.metafabric.core.error;

/**
 * A conflict was left open over so many writes that what the next one has seen cannot be told in
 * few bytes. Nothing was stored. Read the siblings of the key, and write with their version.
 */
public final class ConflictOpenException extends FabricException {
  private static final long serialVersionUID = 1L;

  public ConflictOpenException(String message) {
    super(message);
  }
}
