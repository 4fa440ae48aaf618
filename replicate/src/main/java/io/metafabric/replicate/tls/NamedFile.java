package io.metafabric.replicate.tls;

import io.metafabric.core.error.ConfigurationException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A file that an operator has named, and under which name.
 *
 * @param field what was configured, for messages
 */
record NamedFile(String field, Path path) {
  /** Certificates of a thousand peers are smaller. */
  private static final int MAX_BYTES = 4 << 20;

  /**
   * Its content.
   *
   * @throws ConfigurationException if there is none that can be read
   */
  byte[] read() {
    if (Files.isDirectory(path)) {
      throw bad("is a directory; name a file", null);
    }
    try (InputStream in = Files.newInputStream(path)) {
      byte[] content = in.readNBytes(MAX_BYTES + 1);
      if (content.length > MAX_BYTES) {
        throw bad("has more than " + MAX_BYTES + " bytes; name another file", null);
      }
      return content;
    } catch (NoSuchFileException e) {
      throw bad("does not exist", e);
    } catch (IOException e) {
      throw bad("cannot be read (" + e.getClass().getSimpleName() + ")", e);
    }
  }

  /** What is wrong with it. No message has anything that is in the file. */
  ConfigurationException bad(String what, @Nullable Throwable cause) {
    return new ConfigurationException("tls: " + field + " " + path + " " + what, cause);
  }

  @Override
  public String toString() {
    return field + " " + path;
  }
}
