package io.metafabric.core.error;

/**
 * A file of the journal is damaged at a place that had been made durable.
 *
 * <p>Nothing was changed on disk. Remedy: restore the directory from a backup, or copy what is
 * readable into a new one with {@code JournalTool repair}. What is lost by that comes back from the
 * peers that have it.
 */
public final class CorruptJournalException extends StorageException {
  private static final long serialVersionUID = 1L;

  private final String file;
  private final long offset;

  /**
   * @param file name of the damaged file within the fabric's directory
   * @param offset of the first byte that cannot be trusted
   */
  public CorruptJournalException(String file, long offset, String what) {
    super(
        "journal file "
            + file
            + " is damaged at offset "
            + offset
            + ": "
            + what
            + "; nothing was changed on disk: restore the directory from a backup, or copy what is"
            + " readable into a new one with io.metafabric.tool.JournalTool repair; what is lost comes"
            + " back from the peers that have it");
    this.file = file;
    this.offset = offset;
  }

  public String file() {
    return file;
  }

  public long offset() {
    return offset;
  }
}
