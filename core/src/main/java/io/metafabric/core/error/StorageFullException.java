package io.metafabric.core.error;

import org.jspecify.annotations.Nullable;

/** The disk has no room; the write was not made. Remedy: free some space and write again. */
public class StorageFullException extends StorageException {
  private static final long serialVersionUID = 1L;

  public StorageFullException(String message) {
    super(message);
  }

  public StorageFullException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
