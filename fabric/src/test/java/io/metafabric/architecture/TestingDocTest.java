package io.metafabric.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The tests that the documents name are there; and each promise of the project names some. */
class TestingDocTest {
  private static final Path ROOT = Path.of("..");
  private static final Pattern NAME =
      Pattern.compile("`([A-Z][A-Za-z0-9]*[a-z0-9](?:Test|IT|Fuzz))`");
  private static final Pattern ROW = Pattern.compile("\\| \\*\\*(.+?)\\*\\*.*? \\|(.+)\\|");
  private static final Pattern RUNS =
      Pattern.compile(
          "@(Test|ParameterizedTest|RepeatedTest|Property|FuzzTest|TestFactory)\\b| extends ");

  private static final List<String> PROMISES =
      List.of(
          "The journal is the truth",
          "Header everywhere, payload where it pays",
          "A read never waits on a model, a write never on a peer",
          "Prediction moves bytes, never changes answers",
          "Concurrent writes are detected and converge",
          "One actor per opening",
          "Deterministic inside, I/O at the edge",
          "Every queue is bounded and counts what it drops",
          "Bad bytes never win",
          "Closed by default",
          "Good manners in a host");

  private static Map<String, String> sourcesOfTests() throws IOException {
    var sources = new HashMap<String, String>();
    try (Stream<Path> rooms = Files.list(ROOT)) {
      for (Path tests :
          rooms.map(room -> room.resolve("src/test/java")).filter(Files::isDirectory).toList()) {
        try (Stream<Path> files = Files.walk(tests)) {
          for (Path file : files.filter(each -> each.toString().endsWith(".java")).toList()) {
            String name = file.getFileName().toString().replace(".java", "");
            sources.merge(name, Files.readString(file), String::concat);
          }
        }
      }
    }
    return sources;
  }

  private static List<String> namesIn(String text) {
    return NAME.matcher(text).results().map((MatchResult found) -> found.group(1)).toList();
  }

  @Test
  void everyTestThatADocumentNames_isThere_andRuns() throws IOException {
    Map<String, String> sources = sourcesOfTests();
    var documents = new ArrayList<Path>();
    for (Path folder : List.of(ROOT, ROOT.resolve("docs"))) {
      try (Stream<Path> files = Files.list(folder)) {
        files.filter(each -> each.toString().endsWith(".md")).forEach(documents::add);
      }
    }
    var named = new TreeSet<String>();
    for (Path document : documents) {
      for (String name : namesIn(Files.readString(document))) {
        named.add(name);
        assertThat(sources).as("named in %s", document).containsKey(name);
        assertThat(sources.get(name)).as("%s, named in %s", name, document).containsPattern(RUNS);
      }
    }
    assertThat(named).hasSizeGreaterThan(100);
  }

  @Test
  void everyPromise_namesTestsThatHoldIt() throws IOException {
    String page = Files.readString(ROOT.resolve("docs/TESTING.md"));
    var heldBy = new HashMap<String, List<String>>();
    ROW.matcher(page).results().forEach(row -> heldBy.put(row.group(1), namesIn(row.group(2))));
    for (String promise : PROMISES) {
      assertThat(heldBy.get(promise)).as(promise).isNotNull().hasSizeGreaterThan(1);
    }
  }
}
