package io.metafabric.cache.chronicle;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.port.Disk;
import io.metafabric.core.port.DiskFile;
import io.metafabric.core.sim.SimNode;
import io.metafabric.core.sim.SimWorld;
import io.metafabric.core.store.ViewReport.State;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class CleanStopTest {
  private static final String CONFIGURATION = "a map of some kind";
  private static final long ENTRY_BYTES = 12_345;
  private static final int MAP_BYTES = 1_500_000;

  private final Disk disk = new SimNode(new SimWorld(1), "paris").disk();

  private static byte[] content() {
    var content = new byte[MAP_BYTES];
    new Random(1).nextBytes(content);
    return content;
  }

  @BeforeEach
  void stopCleanly() {
    stopCleanly(disk);
  }

  private static void stopCleanly(Disk disk) {
    try (DiskFile map = disk.open(ChronicleFiles.MAP)) {
      map.write(0, ByteBuffer.wrap(content()));
    }
    CleanStop.of(disk, CONFIGURATION, ENTRY_BYTES).write(disk);
  }

  private void flip(String name, long at, int bit) {
    try (DiskFile file = disk.open(name)) {
      var one = ByteBuffer.allocate(1);
      assertThat(file.read(at, one)).isEqualTo(1);
      one.put(0, (byte) (one.get(0) ^ 1 << bit));
      file.write(at, one.flip());
    }
  }

  @Test
  void aCleanStop_isFound() {
    CleanStop found = CleanStop.find(disk, CONFIGURATION);
    assertThat(found).isNotNull();
    assertThat(found.entryBytes()).isEqualTo(ENTRY_BYTES);
    assertThat(found.fileBytes()).isEqualTo(MAP_BYTES);
  }

  @Test
  void format1_isReadForEver() {
    String golden =
        "4d464348524f4e00011261206d6170206f6620736f6d65206b696e6400000000004200000102030400000000"
            + "000030396f1b5013";
    var stop = new CleanStop(CONFIGURATION, 4_325_376, 0x01020304, 12_345);
    assertThat(stop.encode()).isEqualTo(ByteBuffer.wrap(HexFormat.of().parseHex(golden)));
    assertThat(CleanStop.decode(stop.encode())).isEqualTo(stop);
  }

  @Test
  void anotherConfiguration_isNot() {
    assertThat(CleanStop.find(disk, "a map of another kind")).isNull();
  }

  @Test
  void aFlippedBitAnywhereInTheMap_isSeen() {
    var random = new Random(2);
    for (int i = 0; i < 100; i++) {
      long at = i == 0 ? 0 : i == 1 ? MAP_BYTES - 1 : random.nextInt(MAP_BYTES);
      int bit = random.nextInt(8);
      flip(ChronicleFiles.MAP, at, bit);
      assertThat(CleanStop.find(disk, CONFIGURATION)).as("byte %d bit %d", at, bit).isNull();
      flip(ChronicleFiles.MAP, at, bit);
    }
    assertThat(CleanStop.find(disk, CONFIGURATION)).isNotNull();
  }

  @Test
  void aMapThatIsShorterLongerOrMissing_isSeen() {
    try (DiskFile map = disk.open(ChronicleFiles.MAP)) {
      map.write(MAP_BYTES, ByteBuffer.allocate(1));
    }
    assertThat(CleanStop.find(disk, CONFIGURATION)).isNull();
    try (DiskFile map = disk.open(ChronicleFiles.MAP)) {
      map.truncate(MAP_BYTES - 1);
    }
    assertThat(CleanStop.find(disk, CONFIGURATION)).isNull();
    disk.delete(ChronicleFiles.MAP);
    assertThat(CleanStop.find(disk, CONFIGURATION)).isNull();
    assertThat(disk.list()).doesNotContain(ChronicleFiles.MAP);
  }

  @Test
  void everyDamagedMarker_isNoMarker() {
    int bytes = CleanStop.find(disk, CONFIGURATION).encode().remaining();
    for (int at = 0; at < bytes; at++) {
      flip(ChronicleFiles.CLEAN_STOP, at, at % 8);
      assertThat(CleanStop.find(disk, CONFIGURATION)).as("byte %d", at).isNull();
      flip(ChronicleFiles.CLEAN_STOP, at, at % 8);
    }
    for (int length = bytes - 1; length >= 0; length--) {
      try (DiskFile file = disk.open(ChronicleFiles.CLEAN_STOP)) {
        file.truncate(length);
      }
      assertThat(CleanStop.find(disk, CONFIGURATION)).as("%d bytes", length).isNull();
    }
  }

  @Test
  void anInspection_tellsWhichItIs() {
    assertThat(ChronicleFiles.inspect(disk).state()).isEqualTo(State.GOOD);
    for (String name : new String[] {ChronicleFiles.MAP, ChronicleFiles.CLEAN_STOP}) {
      flip(name, 17, 3);
      assertThat(ChronicleFiles.inspect(disk).state()).as(name).isEqualTo(State.DAMAGED);
      flip(name, 17, 3);
    }
    assertThat(ChronicleFiles.inspect(disk).state()).isEqualTo(State.GOOD);
    disk.delete(ChronicleFiles.MAP);
    assertThat(ChronicleFiles.inspect(disk).state()).isEqualTo(State.STALE);
    ChronicleFiles.discard(disk);
    assertThat(ChronicleFiles.inspect(disk).state()).isEqualTo(State.ABSENT);
    stopCleanly();
    disk.delete(ChronicleFiles.CLEAN_STOP);
    assertThat(ChronicleFiles.inspect(disk).state())
        .as("as when it is killed")
        .isEqualTo(State.STALE);
  }

  @Test
  void aMapWhoseBytesWereLostWithThePower_isSeen() {
    // The marker is synced, the map is not: any part of it may be gone.
    int lost = 0;
    for (int seed = 1; seed <= 40; seed++) {
      var machine = new SimNode(new SimWorld(seed), "paris");
      stopCleanly(machine.disk());
      machine.crash();
      Disk after = machine.disk();
      assertThat(after.list()).contains(ChronicleFiles.CLEAN_STOP);
      boolean found = CleanStop.find(after, CONFIGURATION) != null;
      assertThat(found).as("seed %d", seed).isEqualTo(hasItsContent(after));
      lost += found ? 0 : 1;
    }
    assertThat(lost).isPositive();
  }

  private static boolean hasItsContent(Disk disk) {
    var bytes = ByteBuffer.allocate(MAP_BYTES);
    try (DiskFile map = disk.open(ChronicleFiles.MAP)) {
      return map.read(0, bytes) == MAP_BYTES && Arrays.equals(bytes.array(), content());
    }
  }
}
