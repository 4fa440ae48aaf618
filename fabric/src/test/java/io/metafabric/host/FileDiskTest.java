package io.metafabric.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.error.StorageFullException;
import io.metafabric.core.port.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileDiskTest {
  @TempDir Path temp;

  @Test
  void missingDirectories_areCreated() {
    Path directory = temp.resolve("a/b/c");

    new FileDisk(directory).open("file").close();

    assertThat(directory.resolve("file")).isRegularFile();
  }

  @Test
  void aFileInTheWay_isNamed() throws IOException {
    Path file = Files.createFile(temp.resolve("file"));

    assertThatThrownBy(() -> new FileDisk(file))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining(file + " is not a directory")
        .hasMessageContaining("use another directory");
    assertThatThrownBy(() -> new FileDisk(file.resolve("below")))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining(file + " is not a directory");
  }

  @Test
  void aParentInWhichNothingCanBeCreated_isNamed() {
    Path parent = Path.of("/proc/1");
    assumeThat(parent).as("SKIPPED: there is no /proc here").isDirectory();

    assertThatThrownBy(() -> new FileDisk(parent.resolve("fabric")))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("/proc/1/fabric")
        .hasMessageContaining("check its path");
  }

  @Test
  void aDirectoryWithoutPermissions_isNamed() throws IOException {
    assumeThat(System.getProperty("user.name"))
        .as("SKIPPED: permissions mean nothing to root")
        .isNotEqualTo("root");
    Path directory = Files.createDirectory(temp.resolve("locked"));
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("r-xr-xr-x"));

    assertThatThrownBy(() -> new FileDisk(directory))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("cannot be read and written")
        .hasMessageContaining("give its user access");
  }

  @Test
  void aDirectoryThatTakesNoFiles_isNamed_alsoByRoot() {
    Path directory = Path.of("/proc/self");
    assumeThat(directory).as("SKIPPED: there is no /proc here").isDirectory();

    assertThatThrownBy(() -> new FileDisk(directory).lock())
        .isInstanceOf(StorageException.class)
        .hasMessageContaining(directory.toString());
    assertThatThrownBy(() -> new FileDisk(directory).open("file"))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining(directory.toString());
  }

  @Test
  void aReadOnlyFileSystem_isNoticedAtOnce_alsoByRoot() {
    Path directory = Path.of("/sys/kernel");
    assumeThat(directory).as("SKIPPED: there is no /sys here").isDirectory();
    assumeThat(Files.isWritable(directory))
        .as("SKIPPED: /sys is not mounted read-only here")
        .isFalse();

    assertThatThrownBy(() -> new FileDisk(directory))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("mount the file system writable");
  }

  @Test
  void aFileThatCannotBeOpened_isNamed() throws IOException {
    Files.createDirectory(temp.resolve("directory"));

    assertThatThrownBy(() -> new FileDisk(temp).open("directory"))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("cannot open " + temp.resolve("directory"));
  }

  @Test
  void aDirectoryThatWasMovedAway_isNamed() throws IOException {
    Path directory = temp.resolve("here");
    var disk = new FileDisk(directory);
    Files.move(directory, temp.resolve("there"));

    assertThatThrownBy(disk::list)
        .isInstanceOf(StorageException.class)
        .hasMessageContaining(directory.toString())
        .hasMessageContaining("was moved or deleted");
    assertThatThrownBy(() -> disk.open("file")).isInstanceOf(StorageException.class);
    assertThatThrownBy(disk::syncDirectory).isInstanceOf(StorageException.class);
  }

  @Test
  void directories_areNotListed() throws IOException {
    Files.createDirectory(temp.resolve("directory"));
    Files.createFile(temp.resolve("file"));

    assertThat(new FileDisk(temp).list()).containsExactly("file");
  }

  @Test
  void theLockFile_isNotForData() {
    var disk = new FileDisk(temp);

    assertThatThrownBy(() -> disk.open("fabric.lock")).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> disk.delete("fabric.lock"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aDeviceWithoutSpace_isFull() {
    assumeThat(Path.of("/dev/full")).as("SKIPPED: there is no /dev/full here").exists();
    try (var file = new LocalFile("full", Path.of("/dev/full"))) {
      assertThatThrownBy(() -> file.write(0, ByteBuffer.allocate(10)))
          .isInstanceOf(StorageFullException.class)
          .hasMessageContaining("free some space");
    }
  }

  @Test
  void everyWayToSayFull_isUnderstood() {
    for (String message :
        new String[] {
          "No space left on device", "Disk quota exceeded", "There is not enough space on the disk"
        }) {
      assertThat(StorageFailures.of("write /x", new IOException(message)))
          .isInstanceOf(StorageFullException.class);
      assertThat(StorageFailures.of("create /x", new FileSystemException("/x", null, message)))
          .isInstanceOf(StorageFullException.class);
    }
    assertThat(StorageFailures.of("write /x", new IOException("Input/output error")))
        .isNotInstanceOf(StorageFullException.class)
        .hasMessageContaining("check the disk");
  }

  @Test
  void aFullDiskThatSpeaksAnotherLanguage_isFoundByItsFreeSpace() {
    var german = new IOException("Auf dem Gerät ist kein Speicherplatz mehr verfügbar");
    Path path = temp.resolve("x");

    assertThat(StorageFailures.ofWrite(path, 1, german))
        .isNotInstanceOf(StorageFullException.class);
    assertThat(StorageFailures.ofWrite(path, Long.MAX_VALUE, german))
        .isInstanceOf(StorageFullException.class);
  }

  @Test
  void eachRefusal_namesItsRemedy() {
    assertThat(StorageFailures.of("open /x", new AccessDeniedException("/x")))
        .hasMessageContaining("read and write access");
    assertThat(StorageFailures.of("open /x", new IOException("/x (Permission denied)")))
        .hasMessageContaining("read and write access");
    assertThat(StorageFailures.of("open /x", new IOException("/x (Read-only file system)")))
        .hasMessageContaining("mount it writable");
    assertThat(StorageFailures.of("open /x", new IOException("/x (Too many open files)")))
        .hasMessageContaining("ulimit -n");
  }

  @Test
  void aFailedOpening_leavesNothingOpen() throws IOException {
    var disk = new FileDisk(temp);
    Files.createDirectory(temp.resolve("directory"));
    Path descriptors = Path.of("/proc/self/fd");
    assumeThat(descriptors).as("SKIPPED: there is no /proc here").isDirectory();
    int before = count(descriptors);

    for (int i = 0; i < 100; i++) {
      assertThatThrownBy(() -> disk.open("directory")).isInstanceOf(StorageException.class);
      DiskFile file = disk.open("file");
      file.read(0, ByteBuffer.allocate(1));
      file.close();
    }

    assertThat(count(descriptors)).isLessThan(before + 50);
  }

  private static int count(Path directory) throws IOException {
    try (var entries = Files.list(directory)) {
      return (int) entries.count();
    }
  }
}
