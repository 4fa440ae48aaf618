package io.metafabric;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.CorruptJournalException;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.error.UnsupportedFormatException;
import io.metafabric.core.journal.Durability;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever a directory has been through, opening it gives a typed error or all that was there. */
@Timeout(60)
class DirectoryStatesTest {
  private static final int KEYS = 400;

  @TempDir Path temp;

  private static MetadataFabric open(Path directory) {
    return MetadataFabric.builder()
        .directory(directory)
        .durability(Durability.OS)
        .segmentBytes(8 << 10)
        .open();
  }

  /** Several segments, closed in order, with a hint. */
  private Path written() {
    Path directory = temp.resolve("d");
    try (var fabric = open(directory)) {
      for (int i = 0; i < KEYS; i++) {
        fabric.put("n/" + i, ("value " + i).getBytes(UTF_8));
      }
    }
    assertThat(segments(directory)).hasSizeGreaterThan(3);
    assertThat(directory.resolve("index.hint")).exists();
    return directory;
  }

  private static List<Path> files(Path directory, Predicate<String> which) {
    try (Stream<Path> files = Files.list(directory)) {
      return files.filter(file -> which.test(file.getFileName().toString())).sorted().toList();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static List<Path> segments(Path directory) {
    return files(directory, name -> name.startsWith("journal-"));
  }

  /** By name; the note in the lock's file is for people. */
  private static Map<String, String> contentOf(Path directory) throws IOException {
    var content = new TreeMap<String, String>();
    for (Path file : files(directory, name -> !name.equals("fabric.lock"))) {
      content.put(
          file.getFileName().toString(), HexFormat.of().formatHex(Files.readAllBytes(file)));
    }
    return content;
  }

  private static void assertWhole(Path directory) {
    try (var fabric = open(directory)) {
      assertThat(fabric.stats().storage().keys()).isEqualTo(KEYS);
      for (int i = 0; i < KEYS; i++) {
        assertThat(fabric.get("n/" + i).map(Versioned::utf8)).hasValue("value " + i);
      }
    }
  }

  private static void assertEmptyAndUsable(Path directory) {
    try (var fabric = open(directory)) {
      assertThat(fabric.stats().storage().keys()).isZero();
      fabric.put("n/new", "one".getBytes(UTF_8));
    }
    try (var fabric = open(directory)) {
      assertThat(fabric.get("n/new").map(Versioned::utf8)).hasValue("one");
    }
  }

  private static <T extends StorageException> void assertRefused(
      Path directory, Class<T> type, String... words) throws IOException {
    Map<String, String> before = contentOf(directory);
    for (int attempt = 0; attempt < 2; attempt++) {
      assertThatThrownBy(() -> open(directory).close())
          .isInstanceOf(type)
          .hasMessageContainingAll(words)
          .hasMessageContaining("nothing was changed on disk");
      var after = new TreeMap<>(contentOf(directory));
      if (!before.containsKey("journal.mark")) {
        assertThat(after.remove("journal.mark")).isEqualTo("");
      }
      assertThat(after).isEqualTo(before);
    }
    assertThat(OpenAndCloseTest.threads()).isEmpty();
  }

  @Test
  void missing_isCreated_withAllAboveIt() {
    Path deep = temp.resolve("a").resolve("b").resolve("c");
    assertEmptyAndUsable(deep);
  }

  @Test
  void whatTakesNoFiles_isRefused() {
    Path proc = Path.of("/proc/self");
    Assumptions.assumeTrue(
        Files.isDirectory(proc), "NOT CHECKED: there is no /proc, which takes no files, here");
    for (Path bad : List.of(proc, proc.resolve("below"))) {
      assertThatThrownBy(() -> open(bad).close())
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("/proc/");
    }
    assertThat(OpenAndCloseTest.threads()).isEmpty();
  }

  @Test
  void withoutPermission_isRefused() throws IOException {
    Path directory = Files.createDirectory(temp.resolve("closed"));
    Assumptions.assumeTrue(
        directory.toFile().setWritable(false, false) && !Files.isWritable(directory),
        "NOT CHECKED: this user may write where nobody may, as root does");
    assertThatThrownBy(() -> open(directory).close())
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("give its user access");
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aMissingSegment_isDamage_whicheverItIs(boolean hint) throws IOException {
    Path directory = written();
    if (!hint) {
      Files.delete(directory.resolve("index.hint"));
    }
    List<Path> segments = segments(directory);
    for (Path missing :
        List.of(
            segments.get(0),
            segments.get(segments.size() / 2),
            segments.get(segments.size() - 1))) {
      byte[] content = Files.readAllBytes(missing);
      Files.delete(missing);
      assertRefused(directory, CorruptJournalException.class, "position");
      Files.write(missing, content);
    }
    assertWhole(directory);
  }

  @Test
  void allSegmentsMissing_isDamage_asLongAsTheMarkSaysThatThereWereSome() throws IOException {
    Path directory = written();
    for (Path each : segments(directory)) {
      Files.delete(each);
    }
    assertRefused(directory, CorruptJournalException.class, "was durable");
  }

  @Test
  void withoutTheMark_everythingIsThere() throws IOException {
    for (boolean hint : new boolean[] {true, false}) {
      Path directory = written();
      Files.delete(directory.resolve("journal.mark"));
      if (!hint) {
        Files.delete(directory.resolve("index.hint"));
      }
      assertWhole(directory);
    }
  }

  @Test
  void withoutTheMark_aMissingSegmentInTheMiddle_isDamageNonetheless() throws IOException {
    Path directory = written();
    Files.delete(directory.resolve("journal.mark"));
    Files.delete(segments(directory).get(2));
    assertRefused(directory, CorruptJournalException.class, "is due");
  }

  @ParameterizedTest
  @ValueSource(strings = {"fabric.lock", "index.hint"})
  void whereOnlyOneOtherFileIsLeft_aNewFabricBegins(String left) throws IOException {
    Path directory = written();
    for (Path each : files(directory, name -> !name.equals(left))) {
      Files.delete(each);
    }
    assertEmptyAndUsable(directory);
  }

  @Test
  void filesOfOthers_areLeftAlone() throws IOException {
    Path directory = written();
    var foreign =
        Map.of(
            "notes.txt", "mine",
            "journal-1.log", "nearly a segment's name",
            "journal-00000000000000zz.log", "nearly, too",
            "journal-0000000000000001.log.bak", "a copy",
            "index.hint.old", "");
    for (var each : foreign.entrySet()) {
      Files.writeString(directory.resolve(each.getKey()), each.getValue());
    }
    Path below = Files.createDirectory(directory.resolve("journal-0000000000000fff.log"));
    Files.writeString(below.resolve("file"), "in a directory with a segment's name");

    assertWhole(directory);
    Files.delete(directory.resolve("index.hint"));
    assertWhole(directory);
    for (var each : foreign.entrySet()) {
      assertThat(directory.resolve(each.getKey())).hasContent(each.getValue());
    }
    assertThat(below.resolve("file")).exists();
  }

  private static void change(Path file, int at, byte value, int checksumAt, int from, int to)
      throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file));
    bytes.put(at, value);
    var crc = new CRC32C();
    crc.update(bytes.duplicate().position(from).limit(to));
    bytes.putInt(checksumAt, (int) crc.getValue());
    Files.write(file, bytes.array());
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aSegmentOfANewerFormat_isRefused_withBothFormatsNamed(boolean hint) throws IOException {
    Path directory = written();
    if (!hint) {
      Files.delete(directory.resolve("index.hint"));
    }
    Path segment = segments(directory).get(1);
    change(segment, 7, (byte) '2', 16, 0, 16);
    assertRefused(
        directory,
        UnsupportedFormatException.class,
        segment.getFileName().toString(),
        "has format 2",
        "reads format 1");
  }

  @Test
  void aBackupOfANewerFormat_isRefused_withBothFormatsNamed() throws IOException {
    Path backup = temp.resolve("backup");
    try (var fabric = open(written())) {
      fabric.backup(backup);
    }
    change(segments(backup).get(0), 7, (byte) '2', 28, 0, 28);
    assertRefused(backup, UnsupportedFormatException.class, "has format 2", "reads format 1");
  }

  @Test
  void aFrameOfANewerFormat_isRefused_withBothFormatsNamed() throws IOException {
    Path directory = written();
    Files.delete(directory.resolve("index.hint"));
    Path first = segments(directory).get(0);
    int length = ByteBuffer.wrap(Files.readAllBytes(first)).getInt(24);
    change(first, 24 + 9, (byte) 2, 24 + 4, 24 + 8, 24 + 28 + length);
    assertRefused(directory, UnsupportedFormatException.class, "has format 2", "reads format 1");
  }

  @Test
  void aHintOfANewerFormat_isIgnored() throws IOException {
    Path directory = written();
    Path hint = directory.resolve("index.hint");
    byte[] bytes = Files.readAllBytes(hint);
    bytes[6] = '9'; // "MFHINT9x"
    Files.write(hint, bytes);
    try (var fabric = open(directory)) {
      assertThat(fabric.stats().storage().replayedBytes()).isPositive();
    }
    assertWhole(directory);
    try (var fabric = open(directory)) {
      assertThat(fabric.stats().storage().replayedBytes()).as("a good one again").isZero();
    }
  }
}
