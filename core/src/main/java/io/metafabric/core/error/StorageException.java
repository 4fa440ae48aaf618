package io.metafabric.core.error;

import org.jspecify.annotations.Nullable;

/**
 * The directory cannot be read or written, or a write may not be durable. Remedy: mend the disk,
 * then open the fabric again.
 */
public class StorageException extends FabricException {
  private static final long serialVersionUID = 1L;

  public StorageException(String message) {
    super(message);
  }

  public StorageException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
