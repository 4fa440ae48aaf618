package io.metafabric.museum;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.tools.DiagnosticCollector;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

/** Compiles changed sources against the class path of the tests; nothing is written to a file. */
final class Workshop {
  private static final String SOURCES = "/java/";

  private Workshop() {}

  /**
   * @param sources by their file
   * @return the classes by their name
   */
  static Map<String, byte[]> compile(Map<String, String> sources) throws IOException {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    if (compiler == null) {
      throw new AssertionError("the museum needs a JDK: this is a runtime without a compiler");
    }
    var problems = new DiagnosticCollector<JavaFileObject>();
    List<JavaFileObject> files = new ArrayList<>();
    sources.forEach((file, text) -> files.add(new Source(file, text)));
    try (var standard = compiler.getStandardFileManager(problems, null, StandardCharsets.UTF_8);
        var target = new Target(standard)) {
      // As it was compiled, but for the checks that may well see the bug.
      var options = List.of("-cp", classPath(), "-proc:none", "-nowarn", "--release", "17");
      if (!compiler.getTask(null, target, problems, options, null, files).call()) {
        throw new AssertionError("an exhibit does not compile: " + problems.getDiagnostics());
      }
      return target.classes();
    }
  }

  private static String classPath() {
    return System.getProperty("java.class.path");
  }

  private static final class Source extends SimpleJavaFileObject {
    private final String text;

    Source(String file, String text) {
      super(
          URI.create("museum:///" + file.substring(file.indexOf(SOURCES) + SOURCES.length())),
          Kind.SOURCE);
      this.text = text;
    }

    @Override
    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
      return text;
    }
  }

  private static final class Target extends ForwardingJavaFileManager<JavaFileManager> {
    private final Map<String, ByteArrayOutputStream> written = new HashMap<>();

    Target(JavaFileManager classPath) {
      super(classPath);
    }

    @Override
    public JavaFileObject getJavaFileForOutput(
        Location location, String name, JavaFileObject.Kind kind, FileObject sibling) {
      return new SimpleJavaFileObject(URI.create("museum:///" + name), kind) {
        @Override
        public OutputStream openOutputStream() {
          var bytes = new ByteArrayOutputStream();
          written.put(name, bytes);
          return bytes;
        }
      };
    }

    Map<String, byte[]> classes() {
      var classes = new HashMap<String, byte[]>();
      written.forEach((name, bytes) -> classes.put(name, bytes.toByteArray()));
      return classes;
    }
  }
}
