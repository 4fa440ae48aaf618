package io.metafabric.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/**
 * Holds the jars that come with the library against the committed list, third-party.csv: nothing
 * comes or changes unnoticed.
 */
class ThirdPartyTest {
  static final int MAX_JARS = 30;
  static final long MAX_BYTES = 25L << 20;

  /** One line of the list. */
  record Listed(String jar, String licence, String reviewedOn, String advisories) {}

  static List<Listed> list() throws IOException {
    var listed = new ArrayList<Listed>();
    for (String line : Files.readAllLines(Path.of("third-party.csv"))) {
      if (!line.startsWith("#") && !line.isBlank()) {
        String[] cells = line.split(",", -1);
        assertThat(cells).as(line).hasSize(4);
        listed.add(new Listed(cells[0], cells[1], cells[2], cells[3]));
      }
    }
    return listed;
  }

  /** The jars that come to a host with Chronicle Map or Tribuo, each with its licence. */
  static Map<String, String> optional() throws IOException {
    var listed = new TreeMap<String, String>();
    for (String line : Files.readAllLines(Path.of("third-party-optional.csv"))) {
      if (!line.startsWith("#") && !line.isBlank()) {
        String[] cells = line.split(",", -1);
        assertThat(cells).as(line).hasSize(2);
        listed.put(cells[0], cells[1]);
      }
    }
    return listed;
  }

  static List<Path> thirdPartyJars() throws IOException {
    String classPath = Files.readString(Path.of("target/runtime-classpath.txt"));
    var jars = new ArrayList<Path>();
    for (String entry : classPath.trim().split(File.pathSeparator)) {
      Path path = Path.of(entry);
      boolean ours =
          Files.isDirectory(path) || path.getFileName().toString().startsWith("metadata-fabric");
      if (!ours) {
        jars.add(path);
      }
    }
    return jars;
  }

  @Test
  void theListNamesExactlyTheJarsThatComeWithTheLibrary() throws IOException {
    assertThat(list().stream().map(Listed::jar))
        .as("fabric/third-party.csv against the resolved runtime class path")
        .containsExactlyInAnyOrderElementsOf(
            thirdPartyJars().stream().map(jar -> jar.getFileName().toString()).toList());
  }

  @Test
  void optionalJars_areListedWithALicence_andDoNotComeWithTheLibrary() throws IOException {
    assertThat(optional().values())
        .allSatisfy(licence -> assertThat(licence).matches("Apache-2.0.*|MIT|BSD-[23]-Clause"));
    assertThat(thirdPartyJars().stream().map(jar -> jar.getFileName().toString()))
        .isNotEmpty()
        .doesNotContainAnyElementsOf(optional().keySet());
    List<String> here =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .map(entry -> Path.of(entry).getFileName().toString())
            .toList();
    // One of its jars stands behind a later one, which Lincheck needs on later JDKs.
    assertThat(here)
        .as("the tests run with the listed versions")
        .containsAll(
            optional().keySet().stream().filter(jar -> !jar.equals("asm-9.2.jar")).toList());
    assertThat(here).noneMatch(jar -> jar.contains("chronicle-analytics"));
    assertThat(here)
        .as("what training needs not")
        .noneMatch(jar -> jar.matches("(opencsv|commons-|jline|jansi|tribuo-data|kryo).*"));
    assertThat(optional().keySet())
        .containsAll(
            here.stream().filter(jar -> jar.matches("(chronicle|tribuo|olcut)-.*")).toList());
  }

  @Test
  void theyAreFewAndSmall() throws IOException {
    List<Path> jars = thirdPartyJars();
    long bytes = 0;
    for (Path jar : jars) {
      bytes += Files.size(jar);
    }
    assertThat(jars).isNotEmpty().hasSizeLessThanOrEqualTo(MAX_JARS);
    assertThat(bytes).isLessThanOrEqualTo(MAX_BYTES);
  }

  @Test
  void eachHasALicence_andWasReviewedWithoutAnOpenAdvisory() throws IOException {
    assertThat(list())
        .allSatisfy(
            each -> {
              assertThat(each.licence()).as(each.jar()).isIn("Apache-2.0", "BSD-2-Clause", "MIT");
              assertThat(each.reviewedOn()).as(each.jar()).matches("\\d{4}-\\d{2}-\\d{2}");
              assertThat(each.advisories())
                  .as("known vulnerabilities of " + each.jar())
                  .isEqualTo("none");
            });
  }
}
