package io.metafabric;

import java.nio.file.Path;
import java.util.List;

/** Starts a class of the tests in a process of its own. */
public final class ChildJvm {
  private ChildJvm() {}

  public static List<String> command(Class<?> main) {
    return List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-Xmx128m",
        "-XX:TieredStopAtLevel=1",
        "-cp",
        System.getProperty("java.class.path"),
        main.getName());
  }
}
