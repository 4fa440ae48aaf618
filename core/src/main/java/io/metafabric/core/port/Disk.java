package io.metafabric.core.port;

import java.util.List;

/**
 * One flat directory of files. Names are plain file names. Thread-safe.
 *
 * <p>All failures are {@link io.metafabric.core.error.StorageException}s that name the file; a full
 * disk is a {@link io.metafabric.core.error.StorageFullException}.
 */
public interface Disk {
  /**
   * Takes the directory for this fabric alone until the lock is closed.
   *
   * @throws io.metafabric.core.error.DirectoryInUseException if anyone else has it, here or in
   *     another process
   */
  DirectoryLock lock();

  /** The names of all files, sorted. */
  List<String> list();

  /** Opens a file for reading and writing and creates it when it is not there. */
  DiskFile open(String name);

  /** Does nothing when there is no such file. Who has it open goes on reading it. */
  void delete(String name);

  /** Makes the creation, deletion and naming of files durable. */
  void syncDirectory();

  /** For people: where this is. */
  String describe();

  /**
   * Guards implementations against names that lead out of the directory.
   *
   * @throws IllegalArgumentException if {@code name} is not a plain file name
   */
  static void requirePlainName(String name) {
    boolean plain =
        !name.isEmpty()
            && !name.equals(".")
            && !name.equals("..")
            && name.chars().noneMatch(c -> c == '/' || c == '\\' || c == 0);
    if (!plain) {
      throw new IllegalArgumentException("\"" + name + "\" is not a plain file name");
    }
  }

  /** Held for as long as a fabric is open. */
  interface DirectoryLock extends AutoCloseable {
    @Override
    void close();
  }
}
