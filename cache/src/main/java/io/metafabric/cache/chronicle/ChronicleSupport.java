package io.metafabric.cache.chronicle;

import java.util.ArrayList;
import java.util.List;

/**
 * Whether this JVM can run Chronicle Map. It compiles classes at run time and reaches into the JDK,
 * and where it may not it fails with an Error; so it is asked beforehand. Loads nothing of the
 * library. Stateless.
 */
public final class ChronicleSupport {
  private static final String LIBRARY_CLASS = "net.openhft.chronicle.map.ChronicleMap";

  /** A package of the JDK that the library must reach, and the JVM's flag that lets it. */
  private record Access(String flag, String module, String packageName) {
    static final List<Access> NEEDED =
        List.of(
            new Access("--add-exports", "java.base", "sun.nio.ch"),
            new Access("--add-exports", "jdk.compiler", "com.sun.tools.javac.file"),
            new Access("--add-opens", "java.base", "java.lang"),
            new Access("--add-opens", "java.base", "java.lang.reflect"));

    boolean isGivenTo(Module library) {
      return ModuleLayer.boot()
          .findModule(module)
          .map(
              found ->
                  flag.equals("--add-opens")
                      ? found.isOpen(packageName, library)
                      : found.isExported(packageName, library))
          .orElse(false);
    }

    @Override
    public String toString() {
      return flag + "=" + module + "/" + packageName + "=ALL-UNNAMED";
    }
  }

  private ChronicleSupport() {}

  /** What is missing, for people: jar, module, flags. Empty if nothing is. */
  public static List<String> missing() {
    Module library;
    try {
      // Not initialised: that is where it fails.
      library =
          Class.forName(LIBRARY_CLASS, false, ChronicleSupport.class.getClassLoader()).getModule();
    } catch (ClassNotFoundException | LinkageError e) {
      return List.of("the library net.openhft:chronicle-map on the class path");
    }
    if (ModuleLayer.boot().findModule("jdk.compiler").isEmpty()) {
      return List.of("the module jdk.compiler (a full JDK, not a JRE)");
    }
    var missing = new ArrayList<String>();
    for (Access access : Access.NEEDED) {
      if (!access.isGivenTo(library)) {
        missing.add("the JVM flag " + access);
      }
    }
    return missing;
  }
}
