package io.metafabric.core.error;

/** The disk has no room; the write was not made. Remedy: free some space and write again. */
public class StorageFullException extends StorageException {
  private static final long serialVersionUID = 1L;

  public StorageFullException(String message) {
    super(message);
  }

  public StorageFullException(String message, Throwable cause) {
    super(message, cause);
  }
}
