package io.metafabric.core.error;

/** A value is larger than the fabric accepts. Remedy: split it, or raise {@code maxValueBytes}. */
public class ValueTooLargeException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  public ValueTooLargeException(String message) {
    super(message);
  }
}
