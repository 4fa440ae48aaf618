package io.metafabric;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.error.DirectoryInUseException;
import io.metafabric.core.journal.Durability;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * All that is known to go wrong with Chronicle Map, each of which must end in a typed error or in
 * complete data. What may take a JVM down happens in a child.
 */
@Tag("chronicle")
class ChronicleTrapsTest {
  private static final int KEYS = 2000;
  private static final String MAP = "warm.chronicle";
  private static final String MARKER = "warm.chronicle.clean";

  @TempDir Path directory;

  /** Says how opening went, reads everything and, if it is told to, stays until it is killed. */
  static final class Child {
    private Child() {}

    public static void main(String[] args) throws IOException {
      PrintStream out = System.out;
      try (var fabric = open(Path.of(args[0]), WarmTier.valueOf(args[1]))) {
        out.println("opened " + fabric.stats().warmTier().tier());
        if (args[2].equals("stay")) {
          readAll(fabric, 0);
          out.println("filled");
          // The parent has done its worst once it sends a byte, or kills us.
          int told = System.in.read();
          out.println("told " + told);
        }
        out.println("read " + readAll(fabric, 0));
      } catch (ConfigurationException | DirectoryInUseException e) {
        out.println("refused " + e.getMessage());
      }
      out.println("end");
    }
  }

  private static MetadataFabric open(Path where, WarmTier tier) {
    return builder(where).warmTier(tier).open();
  }

  private static FabricBuilder builder(Path where) {
    return MetadataFabric.builder()
        .directory(where)
        .durability(Durability.OS)
        .hotTierBytes(64 << 10)
        .warmTierBytes(4 << 20);
  }

  private static byte[] value(int number, int round) {
    var value = new byte[200];
    new Random(number * 31L + round).nextBytes(value);
    return value;
  }

  private static void writeAll(MetadataFabric fabric, int round) {
    for (int i = 0; i < KEYS; i++) {
      fabric.put("n/" + i, value(i, round));
    }
  }

  /** Returns how many keys have the value of this round. */
  private static int readAll(MetadataFabric fabric, int round) {
    int right = 0;
    for (int i = 0; i < KEYS; i++) {
      var found = fabric.get("n/" + i);
      if (found.isPresent() && Arrays.equals(found.get().bytes(), value(i, round))) {
        right++;
      }
    }
    return right;
  }

  private void fillAndStop() {
    try (var fabric = open(directory, WarmTier.CHRONICLE)) {
      writeAll(fabric, 0);
      assertThat(readAll(fabric, 0)).isEqualTo(KEYS);
      assertThat(fabric.stats().warmTier().tier()).isEqualTo("chronicle");
      assertThat(fabric.stats().warmTier().hits()).isGreaterThan(KEYS / 2);
    }
    assertThat(directory.resolve(MARKER)).exists();
  }

  private Process start(List<String> flags, String classPath, WarmTier tier, String order)
      throws IOException {
    var command = new ArrayList<>(ChildJvm.command(Child.class, flags, classPath));
    command.addAll(List.of(directory.toString(), tier.name(), order));
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  private String run(List<String> flags, String classPath, WarmTier tier) throws Exception {
    Process process = start(flags, classPath, tier, "leave");
    String printed = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor()).as(printed).isZero();
    assertThat(printed).contains("end");
    return printed;
  }

  private static String classPath() {
    return System.getProperty("java.class.path");
  }

  private static List<String> flagsWithout(String part) {
    List<String> flags = ChildJvm.chronicleFlags();
    List<String> fewer = flags.stream().filter(flag -> !flag.contains(part)).toList();
    assertThat(fewer).as("%s of %s", part, flags).hasSize(flags.size() - 1);
    return fewer;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--add-exports=java.base/sun.nio.ch",
        "--add-exports=jdk.compiler/com.sun.tools.javac.file",
        "--add-opens=java.base/java.lang=",
        "--add-opens=java.base/java.lang.reflect"
      })
  void aMissingFlag_isNamed(String flag) throws Exception {
    String printed = run(flagsWithout(flag), classPath(), WarmTier.CHRONICLE);
    assertThat(printed)
        .contains("refused Chronicle Map cannot run in this JVM without the JVM flag " + flag);
    assertThat(printed.split("JVM flag", -1)).as("that one alone").hasSize(2);
  }

  @Test
  void withoutFlags_autoTakesTheJournal_andNothingIsMissing() throws Exception {
    fillAndStop();
    String printed = run(List.of(), classPath(), WarmTier.AUTO);
    assertThat(printed)
        .contains("warm tier: the journal; Chronicle Map would need [the JVM flag --add-exports=")
        .contains("opened journal")
        .contains("read " + KEYS);
    assertThat(directory.resolve(MAP)).as("gives its room back").doesNotExist();
    assertThat(directory.resolve(MARKER)).doesNotExist();
  }

  @Test
  void withFlags_autoTakesChronicleMap_andSaysSo() throws Exception {
    fillAndStop();
    assertThat(run(ChildJvm.chronicleFlags(), classPath(), WarmTier.AUTO))
        .contains("warm tier: Chronicle Map of 4194304 bytes")
        .contains("opened chronicle")
        .contains("read " + KEYS);
  }

  @Test
  void withoutTheCompilersModule_itIsNamed_andAutoTakesTheJournal() throws Exception {
    fillAndStop();
    var flags = new ArrayList<>(ChildJvm.chronicleFlags());
    flags.add("--limit-modules=java.se,jdk.unsupported");
    assertThat(run(flags, classPath(), WarmTier.CHRONICLE))
        .contains("refused Chronicle Map cannot run in this JVM without the module jdk.compiler");
    assertThat(run(flags, classPath(), WarmTier.AUTO))
        .contains("opened journal")
        .contains("read " + KEYS);
  }

  @Test
  void withoutTheLibrary_itIsNamed_andAutoTakesTheJournal() throws Exception {
    fillAndStop();
    String without =
        Arrays.stream(classPath().split(File.pathSeparator))
            .filter(entry -> !entry.contains("openhft"))
            .collect(Collectors.joining(File.pathSeparator));
    assertThat(without).isNotEqualTo(classPath());
    assertThat(run(ChildJvm.chronicleFlags(), without, WarmTier.CHRONICLE))
        .contains("without the library net.openhft:chronicle-map on the class path");
    assertThat(run(ChildJvm.chronicleFlags(), without, WarmTier.AUTO))
        .contains("opened journal")
        .contains("read " + KEYS);
  }

  @Test
  void aCleanStop_keepsTheMap() {
    fillAndStop();
    try (var fabric = open(directory, WarmTier.CHRONICLE)) {
      assertThat(directory.resolve(MARKER)).doesNotExist();
      assertThat(readAll(fabric, 0)).isEqualTo(KEYS);
      assertThat(fabric.stats().warmTier().misses()).isZero();
      assertThat(fabric.stats().warmTier().hits()).isEqualTo(KEYS);
    }
  }

  @Test
  void anUncleanStop_costsTheMap_andNothingElse() throws Exception {
    fillAndStop();
    Process process = start(ChildJvm.chronicleFlags(), classPath(), WarmTier.CHRONICLE, "stay");
    awaitLine(process, "filled");
    process.destroyForcibly().waitFor();
    assertThat(directory.resolve(MAP)).exists();
    assertThat(directory.resolve(MARKER)).doesNotExist();
    assertFilledAnew();
  }

  private void assertFilledAnew() {
    try (var fabric = open(directory, WarmTier.CHRONICLE)) {
      assertThat(fabric.stats().warmTier().tier()).isEqualTo("chronicle");
      assertThat(fabric.stats().warmTier().entries()).isZero();
      assertThat(readAll(fabric, 0)).isEqualTo(KEYS);
      assertThat(fabric.stats().warmTier().misses()).isEqualTo(KEYS);
      assertThat(fabric.stats().warmTier().entries()).isEqualTo(KEYS);
    }
  }

  private static BufferedReader awaitLine(Process process, String line) throws IOException {
    var lines = new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8));
    var seen = new ArrayList<String>();
    for (String next = lines.readLine(); next != null; next = lines.readLine()) {
      seen.add(next);
      if (next.startsWith(line)) {
        return lines;
      }
    }
    throw new AssertionError("no line \"" + line + "\" but " + seen);
  }

  @Test
  void aFlippedBitInAStoppedMap_isNoticed_beforeTheLibrarySeesTheFile() throws Exception {
    for (long part = 0; part < 2; part++) {
      fillAndStop();
      long length = Files.size(directory.resolve(MAP));
      scribble(length * part / 2 + part * 17, 1);
      assertThat(run(ChildJvm.chronicleFlags(), classPath(), WarmTier.CHRONICLE))
          .contains("opened chronicle")
          .contains("read " + KEYS);
    }
  }

  /** Flips one bit at each of so many places, the first at {@code from}. */
  private void scribble(long from, int places) throws IOException {
    try (var file = new RandomAccessFile(directory.resolve(MAP).toFile(), "rw")) {
      long step = (file.length() - from) / places;
      for (int i = 0; i < places; i++) {
        file.seek(from + i * step);
        int before = file.read();
        file.seek(from + i * step);
        file.write(before ^ 1 << i % 8);
      }
    }
  }

  @Test
  void aMapThatIsDamagedWhileItIsOpen_showsNothingWrong_andHarmsAtMostItsOwnProcess()
      throws Exception {
    fillAndStop();
    var flags = new ArrayList<>(ChildJvm.chronicleFlags());
    flags.addAll(List.of("-XX:-CreateCoredumpOnCrash", "-XX:ErrorFile=" + directory + "/crash"));
    Process process = start(flags, classPath(), WarmTier.CHRONICLE, "stay");
    BufferedReader lines = awaitLine(process, "filled");
    scribble(0, 20_000);
    try (var to = process.getOutputStream()) {
      to.write('\n');
    }
    // It may read on, die, or wait for a lock that is garbage; it may not read anything wrong.
    boolean ended = process.waitFor(20, TimeUnit.SECONDS);
    if (!ended) {
      process.destroyForcibly().waitFor();
    }
    System.out.println(
        "the child of a damaged map "
            + (ended ? "ended with " + process.exitValue() : "hung and was killed"));
    if (ended && process.exitValue() == 0) {
      assertThat(lines.lines().toList()).contains("read " + KEYS).contains("end");
    }
    assertThat(directory.resolve(MARKER)).as("damage is not taken for a clean stop").doesNotExist();
    assertFilledAnew();
  }

  @Test
  void anotherConfiguration_isFilledAnew() throws Exception {
    fillAndStop();
    long before = Files.size(directory.resolve(MAP));
    try (var fabric =
        MetadataFabric.builder()
            .directory(directory)
            .warmTier(WarmTier.CHRONICLE)
            .warmTierBytes(16 << 20)
            .open()) {
      assertThat(fabric.stats().warmTier().entries()).isZero();
      assertThat(readAll(fabric, 0)).isEqualTo(KEYS);
      assertThat(Files.size(directory.resolve(MAP))).isGreaterThan(3 * before);
    }
  }

  @Test
  void aMapOfAnEarlierTime_showsNoOldValue() throws Exception {
    fillAndStop();
    for (String name : List.of(MAP, MARKER)) {
      Files.copy(directory.resolve(name), directory.resolve(name + ".old"));
    }
    try (var fabric = open(directory, WarmTier.JOURNAL)) {
      writeAll(fabric, 1);
      fabric.remove("n/0");
    }
    for (String name : List.of(MAP, MARKER)) {
      Files.move(
          directory.resolve(name + ".old"),
          directory.resolve(name),
          StandardCopyOption.REPLACE_EXISTING);
    }
    try (var fabric = open(directory, WarmTier.CHRONICLE)) {
      assertThat(fabric.stats().warmTier().entries()).as("it was opened").isEqualTo(KEYS);
      assertThat(fabric.get("n/0")).isEmpty();
      assertThat(readAll(fabric, 1)).isEqualTo(KEYS - 1);
      assertThat(fabric.stats().warmTier().hits()).isZero();
    }
  }

  @Test
  void moreEntriesThanItIsSizedFor_areBoundedAndCounted_andAllReadable() {
    int keys = 40_000;
    try (var fabric = open(directory, WarmTier.CHRONICLE)) {
      CompletableFuture<?> last = null;
      for (int i = 0; i < keys; i++) {
        last = fabric.putAsync("many/" + i, value(i, 0));
      }
      last.join();
      for (int i = 0; i < keys; i++) {
        assertThat(fabric.get("many/" + i).orElseThrow().bytes()).isEqualTo(value(i, 0));
      }
      var stats = fabric.stats().warmTier();
      assertThat(stats.evicted()).isPositive();
      assertThat(stats.sizeBytes()).isLessThanOrEqualTo(stats.maxBytes());
      assertThat(stats.entries()).isLessThan(keys / 2);
      assertThat(stats.hits() + stats.misses()).isGreaterThan(keys / 2);
      assertThat(stats.damaged()).isZero();
    }
  }

  @Test
  void largeValues_goByTheJournal_andAreCounted() {
    try (var fabric = open(directory, WarmTier.CHRONICLE)) {
      byte[] large = new byte[1 << 20];
      new Random(1).nextBytes(large);
      fabric.put("large/1", large);
      fabric.put("large/2", new byte[500_000]);
      fabric.put("small/1", value(1, 0));
      for (int i = 0; i < 3; i++) {
        assertThat(fabric.get("large/1").orElseThrow().bytes()).isEqualTo(large);
        assertThat(fabric.get("large/2").orElseThrow().bytes()).isEqualTo(new byte[500_000]);
      }
      assertThat(fabric.stats().warmTier().refused()).isGreaterThanOrEqualTo(2);
      assertThat(fabric.stats().warmTier().entries()).isEqualTo(1);
    }
  }

  @Test
  void aSecondProcess_isRefused_andTheFirstReadsOn() throws Exception {
    fillAndStop();
    try (var fabric = open(directory, WarmTier.CHRONICLE)) {
      assertThat(run(ChildJvm.chronicleFlags(), classPath(), WarmTier.CHRONICLE))
          .contains("refused")
          .contains("is open in another fabric");
      assertThat(readAll(fabric, 0)).isEqualTo(KEYS);
      assertThat(fabric.stats().warmTier().misses()).isZero();
    }
  }
}
