package io.metafabric;

/** Which tier answers the reads that the hot one cannot. */
public enum WarmTier {
  /**
   * Chronicle Map if the library is on the class path and the JVM was started with the flags that
   * it needs; otherwise the journal. One line of the log says which, and why.
   */
  AUTO,

  /** The journal, through its index. */
  JOURNAL,

  /** Chronicle Map in front of the journal. Not to be had without its library and flags. */
  CHRONICLE
}
