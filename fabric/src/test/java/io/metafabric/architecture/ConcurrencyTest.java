package io.metafabric.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Every class that is shared between threads by means of its own has a test in which threads meet
 * in it, or stands in {@code concurrency.txt} with the reason why it needs none. A test beside it
 * that bears its name and ends in {@code StressTest} needs no line there.
 */
class ConcurrencyTest {
  private static final String PREFIX = "io.metafabric.";
  private static final List<String> MODULES =
      List.of("core", "cache", "predict", "replicate", "migrate", "fabric");

  /** Threads meet in these without any means at all: what they lose is not missed. */
  private static final Set<String> WITHOUT_MEANS = Set.of("cache.ReadSamples", "cache.QueueNode");

  private static final Pattern SHARED_TYPES =
      Pattern.compile(
          "java\\.util\\.concurrent\\.(atomic\\..+|locks\\..+|Concurrent.+|CopyOnWrite.+|.+Queue"
              + "|.+Deque|CountDownLatch|CyclicBarrier|Exchanger|Phaser|Semaphore)"
              + "|java\\.lang\\.invoke\\.VarHandle");

  private static final Pattern BLOCK = Pattern.compile("^\\s*synchronized \\(", Pattern.MULTILINE);

  /** A class, and the test it has or the reason why it has none. */
  private record Line(String name, String test, String reason) {
    static Line parse(String line) {
      String[] tested = line.split(" = ", 2);
      if (tested.length == 2) {
        return new Line(tested[0], tested[1], "");
      }
      String[] excused = line.split(": ", 2);
      assertThat(excused).as(line).hasSize(2);
      return new Line(excused[0], "", excused[1]);
    }
  }

  private static Map<String, Line> lines() {
    try (InputStream in = ConcurrencyTest.class.getResourceAsStream("concurrency.txt")) {
      var lines = new TreeMap<String, Line>();
      new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.isBlank() && !line.startsWith("#"))
          .map(Line::parse)
          .forEach(line -> assertThat(lines.put(line.name(), line)).as("twice").isNull());
      return lines;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Of the class and those inside of it, as the compiler has them. */
  static boolean hasMeans(JavaClass each) {
    return each.getFields().stream()
            .anyMatch(field -> field.getModifiers().contains(JavaModifier.VOLATILE))
        || each.getMethods().stream()
            .anyMatch(method -> method.getModifiers().contains(JavaModifier.SYNCHRONIZED))
        || each.getDirectDependenciesFromSelf().stream()
            .map(Dependency::getTargetClass)
            .anyMatch(used -> SHARED_TYPES.matcher(used.getFullName()).matches());
  }

  /** A block's lock can be seen in the source alone. */
  static boolean hasBlock(String source) {
    return BLOCK.matcher(source).find();
  }

  private static Set<String> shared() throws IOException {
    var names = new TreeSet<>(WITHOUT_MEANS);
    for (JavaClass each : RoomsTest.PRODUCTION) {
      if (hasMeans(each)) {
        names.add(nameOf(each.getFullName()));
      }
    }
    for (String module : MODULES) {
      Path sources = Path.of("..", module, "src", "main", "java");
      try (Stream<Path> files = Files.walk(sources)) {
        for (Path file : files.filter(path -> path.toString().endsWith(".java")).toList()) {
          if (hasBlock(Files.readString(file))) {
            String path = sources.relativize(file).toString();
            names.add(nameOf(path.replace(".java", "").replaceAll("[/\\\\]", ".")));
          }
        }
      }
    }
    return names;
  }

  /** The outermost class, without what all have in common. */
  private static String nameOf(String fullName) {
    return fullName.substring(PREFIX.length()).replaceAll("\\$.*", "");
  }

  private static boolean hasTest(String test) throws IOException {
    String[] parts = test.split("#", 2);
    String path = (PREFIX + parts[0]).replace('.', '/') + ".java";
    for (String module : MODULES) {
      Path file = Path.of("..", module, "src", "test", "java", path);
      if (Files.exists(file)) {
        return parts.length == 1 || Files.readString(file).contains("void " + parts[1] + "(");
      }
    }
    return false;
  }

  @Test
  void whatThreadsShare_hasATestInWhichTheyMeet_orAReasonWhyNot() throws IOException {
    Map<String, Line> lines = lines();
    var unknown = new TreeSet<String>();
    for (String name : shared()) {
      if (!lines.containsKey(name) && !hasTest(name + "StressTest")) {
        unknown.add(name);
      }
    }
    assertThat(unknown)
        .as("write a StressTest for it, or say in concurrency.txt why it needs none")
        .isEmpty();
  }

  @Test
  void noLineIsLeftOfWhatIsGone() throws IOException {
    Set<String> shared = shared();
    for (Line line : lines().values()) {
      assertThat(shared).as("shared between threads").contains(line.name());
      assertThat(hasTest(line.name() + "StressTest")).as("%s has both", line.name()).isFalse();
      if (line.test().isEmpty()) {
        assertThat(line.reason()).as(line.name()).hasSizeGreaterThan(10);
      } else {
        assertThat(hasTest(line.test())).as("there is %s", line.test()).isTrue();
      }
    }
  }

  static final class WithVolatile {
    volatile int count;
  }

  static final class WithSynchronized {
    synchronized void count() {}
  }

  static final class WithQueue {
    final Object waiting = new ConcurrentLinkedQueue<>();
  }

  static final class WithNone {
    final Object waiting = List.of();
  }

  @Test
  void allMeansAreSeen() {
    var fixtures =
        new ClassFileImporter()
            .importClasses(
                WithVolatile.class, WithSynchronized.class, WithQueue.class, WithNone.class);
    assertThat(hasMeans(fixtures.get(WithVolatile.class))).isTrue();
    assertThat(hasMeans(fixtures.get(WithSynchronized.class))).isTrue();
    assertThat(hasMeans(fixtures.get(WithQueue.class))).isTrue();
    assertThat(hasMeans(fixtures.get(WithNone.class))).isFalse();
    assertThat(hasBlock("class A {\n  void b() {\n    synchronized (this) {}\n  }\n}")).isTrue();
    assertThat(hasBlock("// synchronized (somewhere else)")).isFalse();
  }
}
