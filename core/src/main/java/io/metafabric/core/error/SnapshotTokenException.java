package io.metafabric.core.error;

/**
 * A snapshot cannot go on from a token: it is of another directory, or of a state that this one has
 * lost since. Remedy: begin a new snapshot, into an empty store or into what is there already.
 */
public final class SnapshotTokenException extends FabricException {
  private static final long serialVersionUID = 1L;

  public SnapshotTokenException(String message) {
    super(message);
  }
}
