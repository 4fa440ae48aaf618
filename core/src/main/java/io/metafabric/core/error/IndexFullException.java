package io.metafabric.core.error;

/**
 * The key index has reached its bound; known keys can still be written and read. Remedy: raise
 * {@code maxIndexBytes}, and {@code -XX:MaxDirectMemorySize} with it.
 */
public class IndexFullException extends FabricException {
  private static final long serialVersionUID = 1L;

  public IndexFullException(String message) {
    super(message);
  }
}
