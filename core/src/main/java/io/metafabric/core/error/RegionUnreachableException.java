package io.metafabric.core.error;

import org.jspecify.annotations.Nullable;

/** No region that could answer was reachable in time. Remedy: try again when the link is back. */
public class RegionUnreachableException extends FabricException {
  private static final long serialVersionUID = 1L;

  public RegionUnreachableException(String message) {
    super(message);
  }

  public RegionUnreachableException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
