package io.metafabric.core.error;

/**
 * A reader of the journal asked for a position from which on not everything is kept any more.
 * Remedy: try a backup again when less is written; any other reader begins with a snapshot, and
 * goes on behind it.
 */
public final class PositionNotKeptException extends FabricException {
  private static final long serialVersionUID = 1L;

  private final long keptFrom;

  public PositionNotKeptException(long asked, long keptFrom) {
    super(
        "position "
            + asked
            + " of the journal was asked for, but all entries are kept from position "
            + keptFrom
            + " on only, because more was written meanwhile than is kept for readers; try a backup"
            + " again when less is written; any other reader must begin with a snapshot");
    this.keptFrom = keptFrom;
  }

  /** From here on everything is kept. */
  public long keptFrom() {
    return keptFrom;
  }
}
