package io.metafabric.host;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.error.StorageFullException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Locale;

/** Turns what the file system says into what can be done about it. */
final class StorageFailures {
  private StorageFailures() {}

  /**
   * @param doing what failed, as in "cannot read /data/x"
   */
  static StorageException of(String doing, IOException e) {
    String reason = reasonOf(e);
    if (isFull(reason)) {
      return new StorageFullException(
          "cannot " + doing + ": the disk or quota is full; free some space and write again", e);
    }
    return new StorageException("cannot " + doing + ": " + e + "; " + remedyOf(reason, e), e);
  }

  /** The same for a failed write, where the reason may be in a language that we do not know. */
  static StorageException ofWrite(Path path, long bytes, IOException e) {
    String doing = "write " + path;
    try {
      Path directory = path.getParent();
      if (directory != null && Files.getFileStore(directory).getUsableSpace() < bytes) {
        return of(doing, new IOException("No space left on device", e));
      }
    } catch (IOException unknown) {
      e.addSuppressed(unknown);
    }
    return of(doing, e);
  }

  private static String reasonOf(IOException e) {
    String reason = e instanceof FileSystemException system ? system.getReason() : e.getMessage();
    return reason == null ? "" : reason.toLowerCase(Locale.ROOT);
  }

  private static boolean isFull(String reason) {
    return reason.contains("no space left")
        || reason.contains("quota exceeded")
        || reason.contains("not enough space on the disk");
  }

  private static String remedyOf(String reason, IOException e) {
    if (e instanceof AccessDeniedException
        || reason.contains("permission denied")
        || reason.contains("access is denied")
        || reason.contains("not permitted")) {
      return "give this process's user read and write access, or use another directory";
    }
    if (reason.contains("read-only file system")) {
      return "mount it writable, or use another directory";
    }
    if (reason.contains("too many open files")) {
      return "raise the process's limit of open files (ulimit -n)";
    }
    if (e instanceof NoSuchFileException || reason.contains("no such file")) {
      return "the directory was moved or deleted, or cannot be created here: check its path";
    }
    return "check the disk, then open the fabric again";
  }
}
