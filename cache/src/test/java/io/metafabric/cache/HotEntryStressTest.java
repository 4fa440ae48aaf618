package io.metafabric.cache;

import static io.metafabric.core.stress.Interleavings.require;
import static io.metafabric.core.stress.Interleavings.together;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.stress.Interleavings;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A prefetch is used or wasted, and never both: one of all who claim it gets it. */
@Tag("stress")
class HotEntryStressTest {
  private static final Bytes PAYLOAD = Bytes.utf8("v");
  private static final MetadataRecord RECORD =
      new MetadataRecord(
          Key.of("n/1"),
          Header.value(
              new Version(new Dot(new ActorId(1), 1), VersionVector.EMPTY, new Stamp(1 << 16)),
              new RegionName("rome"),
              PAYLOAD,
              5_000),
          PAYLOAD);

  @Test
  void theFirstReadIsClaimedOnce() {
    Interleavings.ofProgram(
        () -> {
          var entry = new HotEntry<>(RECORD, "view", "next");
          var claims = new AtomicInteger();
          Interleavings.Part claim =
              () -> {
                boolean unread = entry.isUnread();
                if (entry.markRead()) {
                  require(unread, "read before it was claimed");
                  claims.incrementAndGet();
                }
                require(!entry.isUnread(), "still unread");
              };
          together(claim, claim, claim);
          require(claims.get() == 1, "claims: " + claims);
          require(entry.expiresAtMs() == 5_000, "the expiry is lost");
        });
  }
}
