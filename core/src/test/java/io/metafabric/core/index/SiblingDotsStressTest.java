package io.metafabric.core.index;

import static io.metafabric.core.stress.Interleavings.require;
import static io.metafabric.core.stress.Interleavings.together;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.stress.Interleavings;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What is kept of one key is found by whoever published it, whatever becomes of other keys. */
@Tag("stress")
class SiblingDotsStressTest {
  private static final MetadataRecord ONE = record("n/1", 1);
  private static final MetadataRecord OTHER = record("n/2", 5);

  private static MetadataRecord record(String key, long counter) {
    Bytes payload = Bytes.utf8("v");
    return new MetadataRecord(
        Key.of(key),
        header(counter, payload),
        payload,
        List.of(new Sibling(header(counter + 1, payload), payload)));
  }

  private static Header header(long counter, Bytes payload) {
    var dot = new Dot(new ActorId(counter), counter);
    var version = new Version(dot, VersionVector.EMPTY, new Stamp((100 - counter) << 16));
    return Header.value(version, new RegionName("rome"), payload, Header.NEVER);
  }

  private static void comeAndGo(SiblingDots dots, MetadataRecord record, boolean stays) {
    dots.published(record);
    require(dots.of(record.key()).length == 2, "published and not found");
    dots.forget(record.key());
    require(dots.of(record.key()).length == 0, "forgotten and found");
    if (stays) {
      dots.published(record);
    }
  }

  @Test
  void whatIsPublishedIsFound_andWhatIsForgottenIsNot() {
    Interleavings.ofProgram(
        () -> {
          var dots = new SiblingDots();
          together(() -> comeAndGo(dots, ONE, true), () -> comeAndGo(dots, OTHER, false));
          require(dots.keys().equals(List.of(ONE.key())), "kept " + dots.keys());
          dots.forget(ONE.key());
          require(dots.keys().isEmpty() && dots.bytes() == 0, "left " + dots.bytes());
        });
  }
}
