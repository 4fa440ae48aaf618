package io.metafabric.core.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class PayloadsAsideTest {
  private static final int FRAME_BYTES = 8;
  private final SimDisk disk = new SimDisk(1);

  private static MetadataRecord record(int i, int bytes) {
    var version =
        new Version(new Dot(new ActorId(7), i + 1), VersionVector.EMPTY, new Stamp(1L << 16));
    Bytes payload = Bytes.copyOf(new byte[bytes]);
    return new MetadataRecord(
        Key.of("n/" + i),
        Header.value(version, new RegionName("eu"), payload, Header.NEVER),
        payload);
  }

  private List<MetadataRecord> setAside(long epoch, int count, int bytes) {
    var records = new ArrayList<MetadataRecord>();
    try (var aside = new PayloadsAside(disk, epoch)) {
      for (int i = 0; i < count; i++) {
        MetadataRecord record = record(i, bytes);
        records.add(record);
        aside.add(record);
      }
      aside.done();
    }
    return records;
  }

  private List<MetadataRecord> readAll() {
    var records = new ArrayList<MetadataRecord>();
    for (String name : PayloadsAside.files(disk)) {
      PayloadsAside.Content content = PayloadsAside.read(disk, name);
      assertThat(content.bytesLost()).isZero();
      records.addAll(content.records());
    }
    return records;
  }

  @Test
  void whatWasSetAside_isThereAgain_inFilesOfABoundedSize() {
    List<MetadataRecord> records = setAside(3, 5, 1 << 20);
    assertThat(PayloadsAside.files(disk))
        .hasSize(5)
        .first()
        .isEqualTo("payloads-0000000000000003-000000.log");
    assertThat(readAll()).isEqualTo(records);
  }

  @Test
  void whatIsBegunAnew_takesThePlaceOfWhatWasBegunBefore() {
    setAside(3, 40, 100_000);
    List<MetadataRecord> records = setAside(3, 2, 10);
    assertThat(readAll()).isEqualTo(records);
    PayloadsAside.delete(disk);
    assertThat(disk.list()).isEmpty();
  }

  @Test
  void aDamagedRecord_isLostAlone_andCounted() {
    List<MetadataRecord> records = setAside(1, 3, 100);
    String name = PayloadsAside.files(disk).get(0);
    int each = disk.contentOf(name).length / 3;
    disk.damage(name, each + FRAME_BYTES + 20);
    PayloadsAside.Content content = PayloadsAside.read(disk, name);
    assertThat(content.records()).containsExactly(records.get(0), records.get(2));
    assertThat(content.bytesLost()).isEqualTo(each);
  }

  @Test
  void behindADamagedLength_allIsLost_andCounted() {
    List<MetadataRecord> records = setAside(1, 3, 100);
    String name = PayloadsAside.files(disk).get(0);
    int each = disk.contentOf(name).length / 3;
    disk.damage(name, each);
    PayloadsAside.Content content = PayloadsAside.read(disk, name);
    assertThat(content.records()).containsExactly(records.get(0));
    assertThat(content.bytesLost()).isEqualTo(2L * each);
  }
}
