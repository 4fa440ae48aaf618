package io.metafabric.benchmarks.fabric;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** A directory for the length of a trial. */
public final class TemporaryDirectory {
  private TemporaryDirectory() {}

  public static Path create(String name) throws IOException {
    return Files.createTempDirectory(name);
  }

  public static void delete(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path path : files.sorted((a, b) -> b.compareTo(a)).toList()) {
        Files.delete(path);
      }
    }
  }
}
