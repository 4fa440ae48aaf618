package io.metafabric;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarFile;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A Maven project outside of this build depends on the one artifact, and compiles and runs the
 * README's example.
 *
 * <p>Another one adds the optional Tribuo as README.md says, and gets trained models.
 *
 * <p>It has a local repository of its own, under target, so that no artifact of ours gets into the
 * developer's, where it could hide a later build's. What the build has downloaded already is taken
 * from the developer's local repository, read as a remote one; the rest comes from Maven Central.
 */
class OutsideProjectIT {
  static final Path README = Path.of("..", "README.md");
  static final Path LOCAL = Path.of("target", "outside-local").toAbsolutePath();
  static final Path PUBLISHED = Path.of("target", "outside-published").toAbsolutePath();

  @TempDir Path project;

  static String property(String name) {
    String value = System.getProperty("outside." + name);
    assertThat(value).as("outside.%s is set by the build", name).isNotBlank();
    return value;
  }

  static String quickstart() throws IOException {
    Matcher block =
        Pattern.compile("<!-- example: quickstart -->\\s*```java\\n(.*?)```", Pattern.DOTALL)
            .matcher(Files.readString(README));
    assertThat(block.find()).as("README.md has the quickstart example").isTrue();
    return block.group(1);
  }

  /** The jar, the POM that goes with it, and its parent: what installing them would give. */
  static void publish() throws IOException {
    String version = property("version");
    Path artifact = PUBLISHED.resolve("io/metafabric/metadata-fabric/" + version);
    Path parent = PUBLISHED.resolve("io/metafabric/metadata-fabric-parent/" + version);
    Files.createDirectories(artifact);
    Files.createDirectories(parent);
    copy(Path.of(property("jar")), artifact.resolve("metadata-fabric-" + version + ".jar"));
    copy(
        Path.of("dependency-reduced-pom.xml"),
        artifact.resolve("metadata-fabric-" + version + ".pom"));
    copy(Path.of("..", "pom.xml"), parent.resolve("metadata-fabric-parent-" + version + ".pom"));
    deleteTree(LOCAL.resolve("io/metafabric"));
  }

  static void copy(Path from, Path to) throws IOException {
    Files.copy(from, to, StandardCopyOption.REPLACE_EXISTING);
  }

  static void deleteTree(Path root) throws IOException {
    if (Files.exists(root)) {
      try (Stream<Path> all = Files.walk(root)) {
        for (Path path : all.sorted((a, b) -> b.compareTo(a)).toList()) {
          Files.delete(path);
        }
      }
    }
  }

  static String repositories(String tag, String list) {
    String both =
        repository(tag, "published", PUBLISHED)
            + repository(tag, "warm", Path.of(property("localRepository")));
    return "<" + list + ">" + both + "</" + list + ">";
  }

  static String repository(String tag, String id, Path at) {
    return "<%s><id>%s</id><url>%s</url><snapshots><enabled>true</enabled><updatePolicy>always</updatePolicy><checksumPolicy>ignore</checksumPolicy></snapshots><releases><checksumPolicy>ignore</checksumPolicy></releases></%s>"
        .formatted(tag, id, at.toUri(), tag);
  }

  static String plugin(String name, String version) {
    return "<plugin><artifactId>%s</artifactId><version>%s</version></plugin>"
        .formatted(name, version);
  }

  /** What a host adds for trained models, without what README.md has it exclude. */
  static String tribuo() {
    String exclusions =
        exclusion("org.tribuo", "tribuo-data")
            + exclusion("org.tribuo", "tribuo-common-tree")
            + exclusion("org.jline", "*");
    return """
            <dependency>
              <groupId>org.tribuo</groupId>
              <artifactId>tribuo-classification-sgd</artifactId>
              <version>%s</version>
              <exclusions>%s</exclusions>
            </dependency>
        """
        .formatted(property("tribuo"), exclusions);
  }

  static String exclusion(String group, String artifact) {
    return "<exclusion><groupId>%s</groupId><artifactId>%s</artifactId></exclusion>"
        .formatted(group, artifact);
  }

  /** Says whether a fabric that is open has a thread for trainings. */
  static final String ASKS =
      """
      import io.metafabric.MetadataFabric;
      import java.nio.file.Path;

      public class Asks {
        public static void main(String[] args) {
          try (var fabric =
              MetadataFabric.builder().region("eu-west").directory(Path.of("asked")).open()) {
            fabric.put("catalogue/42", new byte[1]);
            System.out.println("it trains: "
                + Thread.getAllStackTraces().keySet().stream()
                    .anyMatch(thread -> thread.getName().endsWith("-training")));
          }
        }
      }
      """;

  /** Has a model trained: all that takes of Tribuo is there. */
  static final String TRAINS =
      """
      import io.metafabric.predict.RankingExamples;
      import io.metafabric.predict.tribuo.TribuoTrainer;

      public class Trains {
        public static void main(String[] args) {
          var values = new float[400];
          var outcomes = new boolean[200];
          for (int i = 0; i < 200; i++) {
            values[2 * i] = 1;
            values[2 * i + 1] = i % 3 - 1;
            outcomes[i] = i % 3 > 0;
          }
          double[] weights = new TribuoTrainer().train(new RankingExamples(2, values, outcomes), 1);
          System.out.println("it found it: " + (weights[1] > 0));
        }
      }
      """;

  String pom(String more) {
    return """
        <project xmlns="http://maven.apache.org/POM/4.0.0">
          <modelVersion>4.0.0</modelVersion>
          <groupId>outside</groupId><artifactId>outside</artifactId><version>1</version>
          <properties>
            <maven.compiler.release>17</maven.compiler.release>
            <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
          </properties>
          <dependencies>
            <dependency>
              <groupId>io.metafabric</groupId>
              <artifactId>metadata-fabric</artifactId>
              <version>%s</version>
            </dependency>
            %s
          </dependencies>
          %s
          %s
          <build><plugins>%s%s%s</plugins></build>
        </project>
        """
        .formatted(
            property("version"),
            more,
            repositories("repository", "repositories"),
            repositories("pluginRepository", "pluginRepositories"),
            plugin("maven-resources-plugin", property("resourcesPlugin")),
            plugin("maven-compiler-plugin", property("compilerPlugin")),
            plugin("maven-dependency-plugin", property("dependencyPlugin")));
  }

  String run(String... command) throws IOException, InterruptedException {
    Path output = Files.createTempFile(project, "out", ".txt");
    Process process =
        new ProcessBuilder(command)
            .directory(project.toFile())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    boolean ended = process.waitFor(5, TimeUnit.MINUTES);
    process.destroyForcibly();
    String printed = Files.readString(output);
    assertThat(ended).as("%s took too long:%n%s", List.of(command), printed).isTrue();
    assertThat(process.exitValue()).as("%s:%n%s", List.of(command), printed).isZero();
    return printed;
  }

  @Test
  void aProjectWithThisOneDependency_compilesAndRunsTheReadmesExample() throws Exception {
    publish();
    String classPath = compile("", Map.of("Main", quickstart(), "Asks", ASKS));
    String printed = runMain("Main", classPath);

    assertThat(printed).contains("blue teapot");
    assertThat(classPath).contains("slf4j-api").contains("netty-handler");
    assertThat(classPath).as("what a host has to bring itself").doesNotContain("tribuo");
    assertThat(classPath).as("no room comes as a jar of its own").doesNotContain("fabric-core");
    assertThat(runMain("Asks", classPath)).contains("it trains: false");
  }

  @Test
  void aProjectThatAddsTribuo_asTheReadmeSays_hasModelsTrained() throws Exception {
    assertThat(Files.readString(README))
        .as("what is added here")
        .contains("`org.tribuo:tribuo-classification-sgd`\n" + property("tribuo"))
        .contains("`org.tribuo:tribuo-data`, `org.tribuo:tribuo-common-tree` and `org.jline:*`");
    publish();
    String classPath = compile(tribuo(), Map.of("Asks", ASKS, "Trains", TRAINS));
    assertThat(classPath).contains("tribuo").doesNotContain("jline", "tribuo-data");
    assertThat(runMain("Asks", classPath)).contains("it trains: true");
    assertThat(runMain("Trains", classPath)).contains("it found it: true");
  }

  /** Returns the class path that the project runs with. */
  private String compile(String moreDependencies, Map<String, String> sources) throws Exception {
    Files.writeString(project.resolve("pom.xml"), pom(moreDependencies));
    Path folder = Files.createDirectories(project.resolve("src/main/java"));
    for (Map.Entry<String, String> source : sources.entrySet()) {
      Files.writeString(folder.resolve(source.getKey() + ".java"), source.getValue());
    }
    run(
        Path.of(property("mavenHome"), "bin", "mvn").toString(),
        "-B",
        "-q",
        "-Dmaven.repo.local=" + LOCAL,
        "-Dmdep.outputFile=classpath.txt",
        "-Dmdep.includeScope=runtime",
        "compile",
        "dependency:build-classpath");
    return project.resolve("target/classes")
        + File.pathSeparator
        + Files.readString(project.resolve("classpath.txt"));
  }

  private String runMain(String main, String classPath) throws Exception {
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    return run(java, "-cp", classPath, main);
  }

  @Test
  void theSingleJar_hasOurOwnClassesOnly() throws Exception {
    try (var jar = new JarFile(property("jar"))) {
      List<String> classes =
          jar.stream().map(entry -> entry.getName()).filter(n -> n.endsWith(".class")).toList();
      assertThat(classes)
          .contains(
              "io/metafabric/MetadataFabric.class",
              "io/metafabric/core/journal/Journal.class",
              "io/metafabric/cache/AdaptiveTier.class",
              "io/metafabric/predict/Predictor.class",
              "io/metafabric/replicate/netty/NettyPeerTransport.class",
              "io/metafabric/migrate/HomeDirectory.class")
          .allMatch(name -> name.startsWith("io/metafabric/"));
    }
  }
}
