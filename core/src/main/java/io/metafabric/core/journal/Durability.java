package io.metafabric.core.journal;

/** What a write waits for before it is reported as done. */
public enum Durability {
  /** The disk has it (fsync); concurrent writers share one. Survives loss of power. */
  SYNC,
  /** The operating system has it. Survives the death of the process, not loss of power. */
  OS
}
