package io.metafabric.core.error;

/**
 * A bounded queue stayed full for as long as the caller may wait. Remedy: write slower, or let the
 * callbacks of {@code putAsync} do less, as the message says.
 */
public class OverloadedException extends FabricException {
  private static final long serialVersionUID = 1L;

  public OverloadedException(String message) {
    super(message);
  }
}
