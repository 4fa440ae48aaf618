package io.metafabric.core.sim;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.DirectoryInUseException;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.error.StorageFullException;
import io.metafabric.core.port.Disk;
import io.metafabric.core.port.DiskContract;
import io.metafabric.core.port.DiskFile;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class SimDiskTest implements DiskContract {
  final SimDisk disk = new SimDisk(1);

  @Override
  public Disk newDisk() {
    return new SimDisk(1);
  }

  @Override
  public Disk sameDirectory(Disk opened) {
    return opened;
  }

  static void write(DiskFile file, long offset, String text) {
    file.write(offset, ByteBuffer.wrap(text.getBytes(UTF_8)));
  }

  private String content(String file) {
    return new String(disk.contentOf(file), UTF_8).replace('\0', '.');
  }

  private DiskFile durableFile(SimDisk on, String name, String text) {
    DiskFile file = on.open(name);
    write(file, 0, text);
    file.sync();
    on.syncDirectory();
    return file;
  }

  @Test
  void whatWasSynced_survivesEveryCrash() {
    for (SimDisk.Loss loss : SimDisk.Loss.values()) {
      durableFile(disk, "file", "synced");
      disk.crash(loss);
      assertThat(content("file")).isEqualTo("synced");
    }
  }

  @Test
  void anUnsyncedWrite_survivesWholeOrNotOrItsBeginningOrWithZeros() {
    var fates = new TreeSet<String>();
    for (int seed = 0; seed < 500; seed++) {
      var one = new SimDisk(seed);
      write(durableFile(one, "file", "_"), 1, "abc");
      one.crash();
      fates.add(new String(one.contentOf("file"), UTF_8).replace('\0', '.'));
    }
    assertThat(fates).containsExactly("_", "_...", "_a", "_a..", "_ab", "_ab.", "_abc");
  }

  /** A page is 512 bytes: this write begins within the first, and ends within the third. */
  @Test
  void anyPagesOfAnUnsyncedWriteMaySurvive_alsoTheLaterOnesAlone() {
    var fates = new TreeSet<String>();
    for (int seed = 0; seed < 500; seed++) {
      var one = new SimDisk(seed);
      write(durableFile(one, "file", "_"), 1, "a".repeat(511) + "b".repeat(512) + "c");
      one.crash();
      byte[] left = Arrays.copyOf(one.contentOf("file"), 1025);
      fates.add(new String(new byte[] {left[1], left[512], left[1024]}, UTF_8).replace('\0', '.'));
    }
    assertThat(fates).contains("...", "a..", ".b.", "..c", "ab.", "a.c", ".bc", "abc");
  }

  @Test
  void aReadThatIsShort_givesABeginning_andDoesNotFail() {
    write(disk.open("file"), 0, "abcdef");
    disk.failNext(SimDisk.Operation.READ_ALL);
    var target = ByteBuffer.allocate(6);
    try (DiskFile file = disk.open("file")) {
      int count = file.read(0, target);
      assertThat(count).isBetween(0, 5).isEqualTo(target.position());
      assertThat("abcdef").startsWith(new String(target.array(), 0, count, UTF_8));
      assertThat(file.read(0, ByteBuffer.allocate(6))).as("the next").isEqualTo(6);
    }
  }

  @Test
  void eachUnsyncedWriteSurvivesForItself() {
    var fates = new TreeSet<String>();
    for (int seed = 0; seed < 200; seed++) {
      var one = new SimDisk(seed);
      DiskFile file = durableFile(one, "file", "__");
      write(file, 0, "a");
      write(file, 1, "b");
      one.crash();
      fates.add(new String(one.contentOf("file"), UTF_8));
    }
    assertThat(fates).containsExactly("__", "_b", "a_", "ab");
  }

  @Test
  void aCrashThatLosesAll_keepsNoUnsyncedWrite() {
    write(durableFile(disk, "file", "synced"), 0, "SYNCED and more");
    disk.crash(SimDisk.Loss.ALL);
    assertThat(content("file")).isEqualTo("synced");
  }

  @Test
  void aProcessThatIsKilled_losesNothing() {
    write(disk.open("file"), 0, "written");
    disk.crash(SimDisk.Loss.NONE);
    assertThat(content("file")).isEqualTo("written");
  }

  @Test
  void anUnsyncedTruncation_mayBeUndone() {
    var sizes = new TreeSet<Integer>();
    for (int seed = 0; seed < 50; seed++) {
      var one = new SimDisk(seed);
      durableFile(one, "file", "abcdef").truncate(2);
      one.crash();
      sizes.add(one.contentOf("file").length);
    }
    assertThat(sizes).containsExactly(2, 6);
  }

  @Test
  void aFileWhoseDirectoryWasNotSynced_mayVanish() {
    DiskFile file = disk.open("file");
    write(file, 0, "synced");
    file.sync();
    disk.crash(SimDisk.Loss.ALL);
    assertThat(disk.list()).isEmpty();
  }

  @Test
  void aDeletionThatWasNotSynced_mayBeUndone() {
    var left = new TreeSet<Integer>();
    for (int seed = 0; seed < 50; seed++) {
      var one = new SimDisk(seed);
      durableFile(one, "file", "synced").close();
      one.delete("file");
      one.crash();
      left.add(one.list().size());
    }
    assertThat(left).containsExactly(0, 1);
  }

  @Test
  void aSyncedDirectory_staysAsItIs() {
    durableFile(disk, "deleted", "x").close();
    disk.delete("deleted");
    disk.open("created").close();
    disk.syncDirectory();
    disk.crash(SimDisk.Loss.ALL);
    assertThat(disk.list()).containsExactly("created");
  }

  @Test
  void afterAFailedSync_alaterOneDoesNotMakeItsWritesDurable() {
    DiskFile file = durableFile(disk, "file", "old");
    write(file, 0, "new");
    disk.failNextSyncs(1);
    assertThatThrownBy(file::sync).isInstanceOf(StorageException.class);
    write(file, 3, " more");
    file.sync();
    assertThat(content("file")).isEqualTo("new more");

    disk.crash(SimDisk.Loss.ALL);

    assertThat(content("file")).isEqualTo("old more");
  }

  @Test
  void aFullDisk_writesWhatFits_andTakesMoreOnceThereIsRoom() {
    DiskFile file = disk.open("file");
    disk.setCapacityBytes(4);
    assertThatThrownBy(() -> write(file, 0, "abcdef")).isInstanceOf(StorageFullException.class);
    assertThat(content("file")).isEqualTo("abcd");
    write(file, 0, "ABCD");

    disk.setCapacityBytes(Long.MAX_VALUE);
    write(file, 4, "EF");

    assertThat(content("file")).isEqualTo("ABCDEF");
    assertThat(disk.usedBytes()).isEqualTo(6);
  }

  @Test
  void aFaultStrikesWhereAndWhenItWasToldTo() {
    DiskFile one = disk.open("one");
    DiskFile two = disk.open("two");
    disk.failNext(SimDisk.Operation.READ, "two"::equals);

    one.read(0, ByteBuffer.allocate(1));
    assertThatThrownBy(() -> two.read(0, ByteBuffer.allocate(1)))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("READ two");
    two.read(0, ByteBuffer.allocate(1));
  }

  @Test
  void aLastingFault_lastsUntilItIsEnded() {
    DiskFile file = disk.open("file");
    SimFault fault = disk.failAll(SimDisk.Operation.WRITE, name -> true);
    assertThatThrownBy(() -> write(file, 0, "a")).isInstanceOf(StorageException.class);
    assertThatThrownBy(() -> write(file, 0, "a")).isInstanceOf(StorageException.class);
    assertThat(fault.hits()).isEqualTo(2);

    fault.end();
    write(file, 0, "a");

    assertThat(content("file")).isEqualTo("a");
  }

  @Test
  void aDamagedByte_isReadAndSurvivesACrash() {
    write(durableFile(disk, "file", "abc"), 0, "abc");
    disk.damage("file", 1);
    byte[] damaged = {'a', (byte) ~'b', 'c'};
    assertThat(disk.contentOf("file")).isEqualTo(damaged);

    disk.crash(SimDisk.Loss.NONE);

    assertThat(disk.contentOf("file")).isEqualTo(damaged);
    assertThatThrownBy(() -> disk.damage("file", 3)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void damageIsUndone_alsoAfterACrash() {
    durableFile(disk, "file", "abc");
    Runnable undo = disk.damage("file", 1);
    disk.crash(SimDisk.Loss.ALL);
    undo.run();
    assertThat(content("file")).isEqualTo("abc");
    disk.crash(SimDisk.Loss.ALL);
    assertThat(content("file")).isEqualTo("abc");
  }

  @Test
  void whatWasWrittenAnewOverDamage_staysAsItIs_whenTheDamageIsUndone() {
    DiskFile file = durableFile(disk, "file", "abc");
    Runnable undoFirst = disk.damage("file", 1);
    Runnable undoSecond = disk.damage("file", 2);
    write(file, 1, "d");
    file.truncate(2);
    write(file, 2, "e");
    file.sync();
    undoFirst.run();
    undoSecond.run();
    assertThat(content("file")).isEqualTo("ade");
  }

  /** The write over it did not outlive the crash; the damage did. */
  @Test
  void damageUnderAWriteThatIsLost_isUndone() {
    DiskFile file = durableFile(disk, "file", "abc");
    Runnable undo = disk.damage("file", 1);
    write(file, 1, "d");
    disk.crash(SimDisk.Loss.ALL);
    undo.run();
    assertThat(content("file")).isEqualTo("abc");
  }

  @Test
  void whatWasOpenInACrash_isDead_andTheLockIsFree() {
    DiskFile file = disk.open("file");
    var lock = disk.lock();
    assertThatThrownBy(disk::lock).isInstanceOf(DirectoryInUseException.class);

    disk.crash();
    assertThatThrownBy(() -> write(file, 0, "ghost")).isInstanceOf(StorageException.class);
    assertThatThrownBy(file::sync).isInstanceOf(StorageException.class);
    assertThatThrownBy(file::sizeBytes).isInstanceOf(StorageException.class);

    disk.lock();
    lock.close();
    assertThat(disk.isLocked()).as("a dead lock's close does not free the living one").isTrue();
  }

  @Test
  void filesThatWereNotClosed_areNamed() {
    DiskFile one = disk.open("one");
    disk.open("two").close();
    assertThat(disk.openFiles()).containsExactly("one");
    one.close();
    one.close();
    assertThat(disk.openFiles()).isEmpty();
  }

  @Test
  void anActionRunsBeforeTheOperationItWasPlannedFor() {
    DiskFile file = disk.open("file");
    disk.beforeOperation(2, () -> disk.crash(SimDisk.Loss.NONE));
    write(file, 0, "a");
    write(file, 1, "b");
    assertThatThrownBy(() -> write(file, 2, "c")).isInstanceOf(StorageException.class);
    assertThat(content("file")).isEqualTo("ab");
  }

  @Test
  void aCopy_goesItsOwnWay() {
    durableFile(disk, "file", "both").close();
    SimDisk copy = disk.copy("clone", new SimWorld(1).fork("clone"));
    write(disk.open("file"), 0, "ours");
    assertThat(new String(copy.contentOf("file"), UTF_8)).isEqualTo("both");
    copy.crash(SimDisk.Loss.ALL);
    assertThat(copy.list()).containsExactly("file");
  }

  @Test
  void oneSeedGivesOneFate() {
    assertThat(fateOf(5)).isEqualTo(fateOf(5)).isNotEqualTo(fateOf(6));
  }

  private static String fateOf(long seed) {
    var one = new SimDisk(seed);
    for (int i = 0; i < 20; i++) {
      DiskFile file = one.open("file" + i);
      write(file, 0, "first and second");
      file.truncate(12);
      write(file, 6, "or third");
    }
    one.crash();
    var fate = new StringBuilder();
    for (String name : one.list()) {
      fate.append(name).append(Arrays.toString(one.contentOf(name)));
    }
    return fate.toString();
  }
}
