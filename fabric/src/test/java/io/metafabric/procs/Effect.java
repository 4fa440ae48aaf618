package io.metafabric.procs;

/** What a write leaves behind. */
enum Effect {
  VALUE,
  /** A value that is hidden before the run ends. */
  BRIEF,
  NOTHING
}
