package io.metafabric.core.store;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.stress.Interleavings;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import org.jetbrains.lincheck.datastructures.BooleanGen;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Two keys that share a place: none is ever given the other's header, nor one that is older. */
@Tag("stress")
@Param(name = "key", gen = BooleanGen.class)
public class RecentHeadersStressTest {
  private static final Key ONE = Key.of("n/0");
  private static final Key OTHER = inThePlaceOf(ONE);

  private final RecentHeaders headers = new RecentHeaders();

  private static Key inThePlaceOf(Key one) {
    for (int i = 1; ; i++) {
      Key other = Key.of("n/" + i);
      var headers = new RecentHeaders();
      headers.published(one, header(1));
      headers.published(other, header(1));
      if (headers.get(one) == null) {
        return other;
      }
    }
  }

  private static Header header(long counter) {
    var dot = new Dot(new ActorId(1), counter);
    var version = new Version(dot, VersionVector.EMPTY, new Stamp(counter << 16));
    return Header.value(version, new RegionName("rome"), Bytes.utf8("v"), Header.NEVER);
  }

  private static Key key(boolean one) {
    return one ? ONE : OTHER;
  }

  @Operation
  public long get(@Param(name = "key") boolean one) {
    Header header = headers.get(key(one));
    return header == null ? 0 : header.version().dot().counter();
  }

  @Operation
  public void published(
      @Param(name = "key") boolean one, @Param(gen = IntGen.class, conf = "1:9") int counter) {
    headers.published(key(one), header(counter));
  }

  @Operation
  public void forget(@Param(name = "key") boolean one) {
    headers.forget(key(one));
  }

  @Test
  void whatIsThereOfAKeyIsItsNewest() {
    Interleavings.ofOperations(RecentHeadersStressTest.class);
  }
}
