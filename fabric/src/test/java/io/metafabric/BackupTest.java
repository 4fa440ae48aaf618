package io.metafabric;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.version.Version;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Backups of a fabric in use, and copies of its directory: real files. */
class BackupTest {
  private static final int KEYS = 500;

  @TempDir Path directory;

  private static byte[] value(int key, int round) {
    return (key + " of round " + round).getBytes(UTF_8);
  }

  private static int round(Versioned value) {
    return Integer.parseInt(value.utf8().substring(value.utf8().lastIndexOf(' ') + 1));
  }

  @Test
  void aBackupThatIsTakenWhileOthersWrite_isTheStateOfOneMoment() throws Exception {
    Path copy = directory.resolve("copy");
    var newest = new ConcurrentHashMap<Integer, Integer>();
    var atStart = new ConcurrentHashMap<Integer, Integer>();
    try (var fabric = open(directory.resolve("original"))) {
      for (int i = 0; i < KEYS; i++) {
        fabric.put("n/" + i, value(i, 0));
        newest.put(i, 0);
      }
      for (int i = 0; i < KEYS; i += 10) {
        fabric.remove("n/" + i);
      }
      var stop = new AtomicBoolean();
      var writer =
          new Thread(
              () -> {
                for (int round = 1; !stop.get(); round++) {
                  for (int i = 0; i < KEYS && !stop.get(); i++) {
                    if (i % 10 != 0) {
                      fabric.put("n/" + i, value(i, round));
                      newest.put(i, round);
                    }
                  }
                }
              });
      writer.start();
      try {
        while (newest.getOrDefault(KEYS - 1, 0) < 3) {
          Thread.onSpinWait();
        }
        atStart.putAll(newest);
        assertThat(fabric.backup(copy)).isGreaterThanOrEqualTo(KEYS);
      } finally {
        stop.set(true);
        writer.join();
      }
    }
    try (var restored = open(copy)) {
      int before = Integer.MAX_VALUE;
      for (int i = 0; i < KEYS; i++) {
        var found = restored.get("n/" + i);
        if (i % 10 == 0) {
          assertThat(found).as("deleted before, n/%d", i).isEmpty();
        } else {
          int round = round(found.orElseThrow());
          assertThat(round).isBetween(atStart.getOrDefault(i, 0), newest.getOrDefault(i, 0));
          // One writer goes through the keys in order, so at any moment rounds never increase.
          assertThat(round).as("one moment, n/%d", i).isLessThanOrEqualTo(before);
          before = round;
        }
      }
    }
  }

  private static MetadataFabric open(Path where) {
    return MetadataFabric.builder()
        .directory(where)
        .durability(Durability.OS)
        .segmentBytes(64 << 10)
        .open();
  }

  @Test
  void aBackupIntoAJournal_isRefused() {
    Path other = directory.resolve("other");
    open(other).close();
    try (var fabric = open(directory.resolve("one"))) {
      assertThatThrownBy(() -> fabric.backup(other))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("has a journal already");
    }
  }

  @Test
  void copiesOfOneDirectory_neverIssueAVersionTwice() throws IOException {
    Path original = directory.resolve("original");
    Set<Version> issued = new HashSet<>();
    try (var fabric = open(original)) {
      assertThat(issued.add(fabric.put("n/1", value(1, 0)))).isTrue();
    }
    for (int i = 0; i < 3; i++) {
      copy(original, directory.resolve("old-" + i));
    }
    try (var fabric = open(original)) {
      fabric.backup(directory.resolve("backup"));
      for (int round = 1; round < 20; round++) {
        assertThat(issued.add(fabric.put("n/1", value(1, round)))).isTrue();
      }
    }
    for (String name : new String[] {"old-0", "old-1", "old-2", "backup", "original"}) {
      try (var fabric = open(directory.resolve(name))) {
        for (int round = 1; round < 20; round++) {
          Version version = fabric.put("n/1", value(1, round));
          assertThat(issued.stream().map(Version::dot)).doesNotContain(version.dot());
          assertThat(issued.add(version)).isTrue();
        }
      }
    }
  }

  private static void copy(Path from, Path to) throws IOException {
    Files.createDirectory(to);
    try (Stream<Path> files = Files.list(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(file.getFileName()));
      }
    }
  }
}
