package io.metafabric.core.port;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.DirectoryInUseException;
import io.metafabric.core.error.StorageException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What every disk must do. */
public interface DiskContract {
  /** An empty directory of its own. */
  Disk newDisk();

  /** Another look at the directory of {@code opened}, as a second fabric would take. */
  Disk sameDirectory(Disk opened);

  private static ByteBuffer utf8(String text) {
    return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
  }

  private static String read(DiskFile file, long offset, int length) {
    var target = ByteBuffer.allocate(length);
    int count = file.read(offset, target);
    assertThat(target.position()).isEqualTo(count);
    return new String(target.array(), 0, count, StandardCharsets.UTF_8).replace('\0', '.');
  }

  @Test
  default void whatIsWrittenAtAnOffset_isReadThere() {
    try (DiskFile file = newDisk().open("file")) {
      ByteBuffer source = utf8("hello, world");
      file.write(0, source);
      assertThat(source.hasRemaining()).isFalse();
      file.write(7, utf8("paris"));

      assertThat(read(file, 0, 12)).isEqualTo("hello, paris");
      assertThat(read(file, 7, 3)).isEqualTo("par");
      assertThat(file.sizeBytes()).isEqualTo(12);
      assertThat(file.name()).isEqualTo("file");
    }
  }

  @Test
  default void directAndReadOnlyBuffersAndParts_areWrittenAndReadAsWell() {
    try (DiskFile file = newDisk().open("file")) {
      ByteBuffer part = utf8("xxhelloxx").position(2).limit(7).asReadOnlyBuffer();
      file.write(0, part);
      ByteBuffer direct = ByteBuffer.allocateDirect(6).put(utf8(" there")).flip();
      file.write(5, direct);

      ByteBuffer target = ByteBuffer.allocateDirect(20).position(3).limit(10);
      assertThat(file.read(0, target)).isEqualTo(7);
      assertThat(target.position()).isEqualTo(10);
      var read = new byte[7];
      target.position(3).get(read);
      assertThat(read).asString(StandardCharsets.UTF_8).isEqualTo("hello t");
    }
  }

  @Test
  default void manyBytes_comeBackAsTheyWent() {
    var bytes = new byte[3_000_001];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (i * 31 + i / 251);
    }
    try (DiskFile file = newDisk().open("file")) {
      file.write(5, ByteBuffer.wrap(bytes));
      var target = ByteBuffer.allocate(bytes.length);
      assertThat(file.read(5, target)).isEqualTo(bytes.length);
      assertThat(target.array()).isEqualTo(bytes);
    }
  }

  @Test
  default void aReadAtTheEnd_isShort() {
    try (DiskFile file = newDisk().open("file")) {
      file.write(0, utf8("abc"));
      assertThat(read(file, 1, 10)).isEqualTo("bc");
      assertThat(read(file, 3, 10)).isEmpty();
      assertThat(read(file, 1_000_000, 10)).isEmpty();
      assertThat(read(file, 0, 0)).isEmpty();
    }
  }

  @Test
  default void aWriteBeyondTheEnd_leavesZerosBetween() {
    try (DiskFile file = newDisk().open("file")) {
      file.write(0, utf8("abcdef"));
      file.truncate(2);
      file.write(4, utf8("x"));
      assertThat(read(file, 0, 10)).isEqualTo("ab..x");
    }
  }

  @Test
  default void truncate_cutsTheEndOff_andLengthensNothing() {
    try (DiskFile file = newDisk().open("file")) {
      file.write(0, utf8("abcdef"));
      file.truncate(4);
      assertThat(read(file, 0, 10)).isEqualTo("abcd");
      file.truncate(100);
      assertThat(file.sizeBytes()).isEqualTo(4);
      file.truncate(0);
      assertThat(file.sizeBytes()).isZero();
    }
  }

  @Test
  default void aFileThatIsOpenedAgain_hasKeptItsContent() {
    Disk disk = newDisk();
    try (DiskFile file = disk.open("file")) {
      file.write(0, utf8("kept"));
      file.sync();
    }
    disk.syncDirectory();
    try (DiskFile file = sameDirectory(disk).open("file")) {
      assertThat(read(file, 0, 10)).isEqualTo("kept");
    }
  }

  @Test
  default void twoHandlesOfOneFile_seeTheSame() {
    Disk disk = newDisk();
    try (DiskFile one = disk.open("file");
        DiskFile two = disk.open("file")) {
      one.write(0, utf8("seen"));
      assertThat(read(two, 0, 10)).isEqualTo("seen");
    }
  }

  @Test
  default void list_isSorted() {
    Disk disk = newDisk();
    assertThat(disk.list()).isEmpty();
    for (String name : new String[] {"b", "a", "c.log", "B"}) {
      disk.open(name).close();
    }
    assertThat(disk.list()).containsExactly("B", "a", "b", "c.log");
  }

  @Test
  default void aDeletedFile_isGone_andDeletedTwiceAsWell() {
    Disk disk = newDisk();
    try (DiskFile file = disk.open("file")) {
      file.write(0, utf8("old"));
    }
    disk.delete("file");
    disk.delete("file");
    assertThat(disk.list()).isEmpty();
    try (DiskFile file = disk.open("file")) {
      assertThat(file.sizeBytes()).isZero();
    }
  }

  @Test
  default void whoHasADeletedFileOpen_goesOnReadingIt() {
    Disk disk = newDisk();
    try (DiskFile file = disk.open("file")) {
      file.write(0, utf8("still here"));
      disk.delete("file");
      assertThat(read(file, 0, 20)).isEqualTo("still here");
    }
  }

  @Test
  default void aLockedDirectory_cannotBeLockedAgain() {
    Disk disk = newDisk();
    try (var lock = disk.lock()) {
      assertThat(lock).isNotNull();
      assertThatThrownBy(() -> sameDirectory(disk).lock())
          .isInstanceOf(DirectoryInUseException.class)
          .hasMessageContaining(disk.describe());
      assertThatThrownBy(disk::lock).isInstanceOf(DirectoryInUseException.class);
    }
    try (var again = sameDirectory(disk).lock()) {
      assertThat(again).isNotNull();
    }
  }

  @Test
  default void aLockThatIsClosedTwice_freesNoOther() {
    Disk disk = newDisk();
    var first = disk.lock();
    first.close();
    try (var second = disk.lock()) {
      first.close();
      assertThat(second).isNotNull();
      assertThatThrownBy(disk::lock).isInstanceOf(DirectoryInUseException.class);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ".", "..", "a/b", "/etc/passwd", "a\\b", "../x", "a\0b"})
  default void namesThatLeadElsewhere_areRefused(String name) {
    Disk disk = newDisk();
    assertThatThrownBy(() -> disk.open(name)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> disk.delete(name)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  default void aClosedFile_failsTyped() {
    DiskFile file = newDisk().open("file");
    file.close();
    file.close();
    assertThatThrownBy(() -> file.read(0, ByteBuffer.allocate(1)))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("file");
    assertThatThrownBy(() -> file.write(0, utf8("x"))).isInstanceOf(StorageException.class);
    assertThatThrownBy(() -> file.truncate(0)).isInstanceOf(StorageException.class);
    assertThatThrownBy(file::sync).isInstanceOf(StorageException.class);
    assertThatThrownBy(file::sizeBytes).isInstanceOf(StorageException.class);
  }
}
