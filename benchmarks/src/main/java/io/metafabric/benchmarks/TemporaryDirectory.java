package io.metafabric.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** A directory for the length of a trial. One that a killed trial left goes with the next. */
public final class TemporaryDirectory {
  private static final Path ALL =
      Path.of(System.getProperty("java.io.tmpdir"), "metafabric-benchmarks");

  private TemporaryDirectory() {}

  public static Path create(String name) throws IOException {
    Files.createDirectories(ALL);
    try (Stream<Path> left = Files.list(ALL)) {
      for (Path each : left.filter(TemporaryDirectory::isAbandoned).toList()) {
        delete(each);
      }
    }
    return Files.createDirectory(ALL.resolve(name + "-" + ProcessHandle.current().pid()));
  }

  /** Its name ends with the process that made it. */
  private static boolean isAbandoned(Path directory) {
    String name = directory.getFileName().toString();
    long process = Long.parseLong(name.substring(name.lastIndexOf('-') + 1));
    return ProcessHandle.of(process).isEmpty();
  }

  public static void delete(Path directory) throws IOException {
    List<Path> deepestFirst;
    try (Stream<Path> files = Files.walk(directory)) {
      deepestFirst = files.sorted((a, b) -> b.compareTo(a)).toList();
    }
    for (Path path : deepestFirst) {
      // What runs beside us deletes files of its own, even while it closes.
      Files.deleteIfExists(path);
    }
  }
}
