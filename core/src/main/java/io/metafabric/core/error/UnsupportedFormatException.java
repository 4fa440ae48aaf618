package io.metafabric.core.error;

/**
 * A file of the journal has a format that this version of the library does not read; most likely a
 * newer version wrote it. Nothing was changed on disk. Remedy: open the directory with the version
 * that wrote it, or a newer one.
 */
public final class UnsupportedFormatException extends StorageException {
  private static final long serialVersionUID = 1L;

  private final String file;
  private final int found;
  private final int supported;

  /**
   * @param file name of the file within the fabric's directory
   * @param found the format of what is in it
   * @param supported the format that this version reads
   */
  public UnsupportedFormatException(String file, int found, int supported) {
    super(
        "journal file "
            + file
            + " has format "
            + found
            + ", but this version of the library reads format "
            + supported
            + "; nothing was changed on disk: open the directory with the version of the library"
            + " that wrote it, or a newer one");
    this.file = file;
    this.found = found;
    this.supported = supported;
  }

  public String file() {
    return file;
  }

  public int found() {
    return found;
  }

  public int supported() {
    return supported;
  }
}
