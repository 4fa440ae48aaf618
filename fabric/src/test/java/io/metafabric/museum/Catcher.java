package io.metafabric.museum;

import org.jspecify.annotations.Nullable;

/** A part of the suite that fails where a bug is. */
interface Catcher {
  /**
   * Runs it on the caller's thread.
   *
   * @param classes those of the project, with the bug or without
   * @return why it fails; null if it passes
   */
  @Nullable Throwable run(ClassLoader classes) throws Exception;

  /** As much of it as must pass to show that it is the bug that makes it fail. */
  Catcher alone();

  /** How docs/MUSEUM.md calls it. */
  String inTheGuide();
}
