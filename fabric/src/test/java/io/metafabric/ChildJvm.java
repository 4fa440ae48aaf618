package io.metafabric;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Starts a class of the tests in a process of its own. */
public final class ChildJvm {
  private ChildJvm() {}

  public static List<String> command(Class<?> main) {
    return command(main, List.of(), System.getProperty("java.class.path"));
  }

  public static List<String> command(Class<?> main, List<String> flags, String classPath) {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx128m", "-XX:TieredStopAtLevel=1"));
    command.addAll(flags);
    command.addAll(List.of("-cp", classPath, main.getName()));
    return command;
  }

  /** What this JVM was given for Chronicle Map. */
  static List<String> chronicleFlags() {
    return ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(argument -> argument.startsWith("--add-"))
        .toList();
  }
}
