package io.metafabric.museum;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A piece of a source file, and what stands there instead where the bug is back.
 *
 * @param file from the root of the repository
 * @param text is in the file exactly once
 */
record Change(String file, String text, String bug) {
  private static final Path ROOT = root();

  /** Tests run in a module's directory, or in the root. */
  private static Path root() {
    Path here = Path.of("").toAbsolutePath();
    Path parent = here.getParent();
    return Files.isDirectory(here.resolve("core/src")) || parent == null ? here : parent;
  }

  /**
   * The source with the bug.
   *
   * @throws AssertionError if the text is not there any more, or more than once
   */
  String in(String source) {
    int at = source.indexOf(text);
    if (at < 0 || source.indexOf(text, at + 1) >= 0) {
      throw new AssertionError(
          String.format(
              "this is %s in %s; mend the exhibit, or see whether the bug is back:%n%s",
              at < 0 ? "not any more" : "more than once", file, text));
    }
    return source.substring(0, at) + bug + source.substring(at + text.length());
  }

  String source() {
    return read(file);
  }

  static String read(String file) {
    try {
      return Files.readString(ROOT.resolve(file));
    } catch (IOException e) {
      throw new UncheckedIOException("the museum needs the sources of the project: " + file, e);
    }
  }
}
