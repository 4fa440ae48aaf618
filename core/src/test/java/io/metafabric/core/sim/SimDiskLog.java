package io.metafabric.core.sim;

/** Is told of every operation on a disk that came to an end. */
@FunctionalInterface
interface SimDiskLog {
  /**
   * @param file empty for the directory
   * @param result bytes read or written and their checksum, packed; less than 0 for a failure
   */
  void done(SimDisk.Operation operation, String file, long offset, long result);
}
