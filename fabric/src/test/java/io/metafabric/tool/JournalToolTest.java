package io.metafabric.tool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.MetadataFabric;
import io.metafabric.Versioned;
import io.metafabric.core.error.CorruptJournalException;
import io.metafabric.core.journal.Durability;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JournalToolTest {
  private static final int KEYS = 400;

  @TempDir Path temp;
  private Path directory;
  private final ByteArrayOutputStream text = new ByteArrayOutputStream();

  private int run(String... args) {
    text.reset();
    var out = new PrintStream(text, true, UTF_8);
    return new JournalTool(out, out).run(args);
  }

  private String output() {
    return text.toString(UTF_8);
  }

  private static MetadataFabric open(Path where) {
    return MetadataFabric.builder()
        .directory(where)
        .durability(Durability.OS)
        .segmentBytes(8 << 10)
        .open();
  }

  @BeforeEach
  void write() {
    directory = temp.resolve("fabric");
    try (var fabric = open(directory)) {
      for (int i = 0; i < KEYS; i++) {
        fabric.put("n/" + i, ("value " + i).getBytes(UTF_8));
      }
    }
  }

  @Test
  void inspect_tellsWhatIsThere() {
    assertThat(run("inspect", directory.toString())).as(output()).isEqualTo(JournalTool.GOOD);
    assertThat(output()).contains("journal-0000000000000001.log").doesNotContain("UNREADABLE");
    assertThat(output().lines().count()).isGreaterThan(3);
  }

  @Test
  void inspect_listsWhatIsNotTheFabrics() throws IOException {
    assertThat(run("inspect", directory.toString())).isEqualTo(JournalTool.GOOD);
    assertThat(output()).doesNotContain("not the fabric's");
    Files.writeString(directory.resolve("notes.txt"), "mine");
    Files.writeString(directory.resolve("journal-1.log"), "nearly a segment's name");
    assertThat(run("inspect", directory.toString())).isEqualTo(JournalTool.GOOD);
    assertThat(output().lines().filter(line -> line.startsWith("not the fabric's: ")))
        .containsExactly("not the fabric's: journal-1.log", "not the fabric's: notes.txt");
  }

  private String lineOf(String file) {
    return output().lines().filter(line -> line.startsWith(file + " ")).findFirst().orElseThrow();
  }

  @Test
  void inspect_verifiesTheHintAndTheMarkerToo() throws IOException {
    assertThat(run("inspect", directory.toString())).isEqualTo(JournalTool.GOOD);
    assertThat(lineOf("index.hint")).contains(" good: ");
    assertThat(lineOf("warm.chronicle.clean")).contains(" absent: ");

    Path hint = directory.resolve("index.hint");
    byte[] older = Files.readAllBytes(hint);
    byte[] damaged = older.clone();
    damaged[damaged.length - 100] ^= 4;
    Files.write(hint, damaged);
    assertThat(run("inspect", directory.toString())).isEqualTo(JournalTool.DAMAGED);
    assertThat(lineOf("index.hint")).contains(" damaged: ");
    open(directory).close();
    Files.write(hint, older);
    assertThat(run("inspect", directory.toString())).isEqualTo(JournalTool.GOOD);
    assertThat(lineOf("index.hint")).contains(" stale: ");
    Files.delete(hint);
    assertThat(run("inspect", directory.toString())).isEqualTo(JournalTool.GOOD);
    assertThat(lineOf("index.hint")).contains(" absent: ");

    Files.writeString(directory.resolve("warm.chronicle.clean"), "no marker");
    assertThat(run("inspect", directory.toString())).isEqualTo(JournalTool.DAMAGED);
    assertThat(lineOf("warm.chronicle.clean")).contains(" damaged: ");
  }

  @Test
  void inspect_namesTheFormatOfWhatItCannotRead() throws IOException {
    Path segment = directory.resolve("journal-0000000000000001.log");
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(segment));
    bytes.put(7, (byte) '2');
    var crc = new CRC32C();
    crc.update(bytes.duplicate().limit(16));
    bytes.putInt(16, (int) crc.getValue());
    Files.write(segment, bytes.array());
    assertThat(run("inspect", directory.toString())).isEqualTo(JournalTool.DAMAGED);
    assertThat(output())
        .contains("UNREADABLE journal-0000000000000001.log")
        .contains("it has format 2, but this version reads format 1");
  }

  @Test
  void repair_keepsAllThatIsReadable_andListsTheRest() throws IOException {
    var random = new Random(3);
    for (int round = 0; round < 10; round++) {
      Path damaged = temp.resolve("damaged-" + round);
      copyAndDamage(damaged, random, round);
      assertThatThrownBy(() -> open(damaged)).isInstanceOf(CorruptJournalException.class);

      assertThat(run("inspect", damaged.toString())).isEqualTo(JournalTool.DAMAGED);
      assertThat(output()).contains("UNREADABLE");

      Path repaired = temp.resolve("repaired-" + round);
      assertThat(run("repair", damaged.toString(), repaired.toString()))
          .isEqualTo(JournalTool.DAMAGED);
      assertThat(output()).contains("UNREADABLE").contains("entries copied");
      int lost = 0;
      try (var fabric = open(repaired)) {
        for (int i = 0; i < KEYS; i++) {
          var value = fabric.get("n/" + i).map(Versioned::utf8);
          if (value.isEmpty()) {
            lost++;
          } else {
            assertThat(value).hasValue("value " + i);
          }
        }
        fabric.put("n/after", "repair".getBytes(UTF_8));
      }
      assertThat(lost).as("one flipped byte takes one record").isLessThanOrEqualTo(1);
      assertThat(run("inspect", repaired.toString())).isEqualTo(JournalTool.GOOD);
    }
  }

  private void copyAndDamage(Path to, Random random, int round) throws IOException {
    Files.createDirectory(to);
    try (Stream<Path> files = Files.list(directory)) {
      // Without the hint: the journal itself is to be read.
      for (Path file : files.filter(each -> !each.endsWith("index.hint")).toList()) {
        Files.copy(file, to.resolve(file.getFileName()));
      }
    }
    Path segment = to.resolve("journal-0000000000000001.log");
    byte[] bytes = Files.readAllBytes(segment);
    int at = 24 + random.nextInt(bytes.length - 24);
    bytes[at] ^= (byte) (1 << round % 8);
    Files.write(segment, bytes);
  }

  @Test
  void repairOfWhatIsWhole_copiesEverything() {
    Path repaired = temp.resolve("repaired");
    assertThat(run("repair", directory.toString(), repaired.toString()))
        .isEqualTo(JournalTool.GOOD);
    try (var fabric = open(repaired)) {
      assertThat(fabric.stats().storage().keys()).isEqualTo(KEYS);
    }
  }

  @Test
  void whatIsLookedAt_staysAsItIs() throws IOException {
    // As a copy would be, on media where nothing can be created.
    Path copy = temp.resolve("copy");
    Files.createDirectory(copy);
    for (Path file : filesIn(directory)) {
      if (!file.getFileName().toString().equals("fabric.lock")) {
        Files.copy(file, copy.resolve(file.getFileName()));
      }
    }
    for (Path each : List.of(directory, copy)) {
      Map<Path, List<Object>> before = contentOf(each);
      assertThat(run("inspect", each.toString())).isEqualTo(JournalTool.GOOD);
      assertThat(contentOf(each)).isEqualTo(before);
      Path repaired = temp.resolve("repaired-from-" + each.getFileName());
      assertThat(run("repair", each.toString(), repaired.toString())).isEqualTo(JournalTool.GOOD);
      assertThat(contentOf(each)).isEqualTo(before);
    }
    Path empty = Files.createDirectory(temp.resolve("empty"));
    assertThat(run("inspect", empty.toString())).isEqualTo(JournalTool.FAILED);
    assertThat(output()).contains("holds no journal");
    assertThat(filesIn(empty)).isEmpty();
  }

  private static List<Path> filesIn(Path where) throws IOException {
    try (Stream<Path> files = Files.list(where)) {
      return files.toList();
    }
  }

  private static Map<Path, List<Object>> contentOf(Path where) throws IOException {
    var content = new TreeMap<Path, List<Object>>();
    for (Path file : filesIn(where)) {
      byte[] bytes = Files.readAllBytes(file);
      content.put(file, List.of(Files.getLastModifiedTime(file), HexFormat.of().formatHex(bytes)));
    }
    return content;
  }

  @Test
  void aDirectoryIsNotRepairedIntoItself() throws IOException {
    Map<Path, List<Object>> before = contentOf(directory);
    for (Path same : List.of(directory, directory.resolve("..").resolve("fabric"))) {
      assertThat(run("repair", directory.toString(), same.toString()))
          .isEqualTo(JournalTool.FAILED);
      assertThat(output()).contains("the new directory must be another one");
    }
    assertThat(contentOf(directory)).isEqualTo(before);
  }

  @Test
  void badArguments_areExplained() {
    assertThat(run()).isEqualTo(JournalTool.USAGE);
    assertThat(output()).contains("usage: java -cp").contains("inspect DIRECTORY");
    assertThat(run("inspect", temp.resolve("nowhere").toString())).isEqualTo(JournalTool.FAILED);
    assertThat(output()).contains("is not a directory");
    try (var fabric = open(directory)) {
      assertThat(fabric.get("n/1")).isPresent();
      assertThat(run("inspect", directory.toString())).isEqualTo(JournalTool.FAILED);
      assertThat(output()).contains("is open in another fabric");
    }
  }
}
