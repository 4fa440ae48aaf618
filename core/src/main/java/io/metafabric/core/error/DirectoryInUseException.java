package io.metafabric.core.error;

import org.jspecify.annotations.Nullable;

/**
 * Another fabric, here or in another process, has the directory open. Remedy: close it or use
 * another directory.
 */
public class DirectoryInUseException extends FabricException {
  private static final long serialVersionUID = 1L;

  public DirectoryInUseException(String message) {
    super(message);
  }

  public DirectoryInUseException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
