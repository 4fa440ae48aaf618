package io.metafabric.museum;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Each bug of the museum is put back into the sources, and the part of the suite that is said to
 * catch it must fail; without a bug it must pass, in a class loader of the same kind.
 */
class MuseumTest {
  private static final int AT_LEAST = 20;
  private static final int AT_LEAST_SIMULATED = 8;

  /** A net: a bug that hangs what should catch it is not caught. */
  private static final int HANGS_AFTER_SECONDS = 400;

  private static final ExecutorService WORKERS =
      Executors.newFixedThreadPool(
          2,
          task -> {
            var thread = new Thread(task, "museum");
            thread.setDaemon(true);
            return thread;
          });

  @AfterAll
  static void close() {
    WORKERS.shutdownNow();
  }

  @TestFactory
  Stream<DynamicTest> theSuiteCatchesIt() {
    var tests = new ArrayList<DynamicTest>();
    for (Exhibit exhibit : Exhibits.all()) {
      var caught = WORKERS.submit(() -> caught(exhibit));
      tests.add(dynamicTest(exhibit.name(), () -> assertCaught(exhibit, result(caught))));
    }
    return tests.stream();
  }

  private static void assertCaught(Exhibit exhibit, @Nullable Throwable failure) {
    assertThat(failure)
        .as(
            "%s does not notice the bug %s: the suite has a hole",
            exhibit.catcher(), exhibit.name())
        .isNotNull();
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      // Not what the bug does, but what is wrong with the way it was put in.
      assertThat(cause).isNotInstanceOf(LinkageError.class);
    }
  }

  private static @Nullable Throwable caught(Exhibit exhibit) throws Exception {
    Map<String, byte[]> changed = Workshop.compile(exhibit.sources());
    return exhibit.catcher().run(new BuggyClasses(changed));
  }

  /** They share a class loader, so the classes are loaded and compiled once. */
  @TestFactory
  Stream<DynamicTest> withoutABug_whatCatchesThemPasses() {
    var catchers = new LinkedHashSet<Catcher>();
    Exhibits.all().forEach(exhibit -> catchers.add(exhibit.catcher().alone()));
    var sound = new BuggyClasses(Map.of());
    var tests = new ArrayList<DynamicTest>();
    for (Catcher catcher : catchers) {
      var ran = WORKERS.submit(() -> catcher.run(sound));
      tests.add(dynamicTest(catcher.toString(), () -> assertThat(result(ran)).isNull()));
    }
    return tests.stream();
  }

  private static <T> T result(Future<T> running) throws Exception {
    try {
      return running.get(HANGS_AFTER_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw new AssertionError("it hangs", e);
    }
  }

  @Test
  void itIsWorthAVisit() {
    List<Exhibit> all = Exhibits.all();
    assertThat(all).hasSizeGreaterThanOrEqualTo(AT_LEAST);
    assertThat(all.stream().map(Exhibit::name)).doesNotHaveDuplicates();
    assertThat(all.stream().filter(each -> each.catcher() instanceof Seeds))
        .as("those that the simulation finds, which knows of none of them")
        .hasSizeGreaterThanOrEqualTo(AT_LEAST_SIMULATED);
  }

  /** Each has a line: its name, where it happened, what catches it. */
  @TestFactory
  Stream<DynamicTest> theGuideNamesIt() {
    List<String> lines = Change.read("docs/MUSEUM.md").lines().toList();
    return Exhibits.all().stream()
        .map(exhibit -> dynamicTest(exhibit.name(), () -> assertIsInTheGuide(exhibit, lines)));
  }

  private static void assertIsInTheGuide(Exhibit exhibit, List<String> lines) {
    List<String> found =
        lines.stream().filter(line -> line.startsWith("| `" + exhibit.name() + "`")).toList();
    assertThat(found).as("lines of docs/MUSEUM.md about %s", exhibit.name()).hasSize(1);
    assertThat(found.get(0))
        .containsPattern("\\]\\(https://[^)]+\\)")
        .contains(exhibit.catcher().inTheGuide());
  }
}
