package io.metafabric.benchmarks.replay;

/** What a row of a trace that is a put stands for. */
public enum PutMode {
  /** One request, like a read. */
  ACCESS,
  /** A write alone: it brings the payload, is no request, and outdates the copies elsewhere. */
  WRITE,
  /** A request, and then a write: whoever changes something reads it first. */
  READ_THEN_WRITE;

  /** Whether a row is a request. */
  boolean requests(boolean put) {
    return !put || this != WRITE;
  }

  /** Whether a row changes its key. */
  boolean writes(boolean put) {
    return put && this != ACCESS;
  }
}
