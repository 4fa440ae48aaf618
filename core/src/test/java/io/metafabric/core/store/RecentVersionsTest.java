package io.metafabric.core.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Key;
import io.metafabric.core.store.RecentVersions.Seen;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.util.HashMap;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is here of a key is its newest, beside a map that forgets nothing. */
class RecentVersionsTest {
  private static final Key KEY = Key.of("a/1");
  private static final Stamp STAMP = new Stamp(1);

  private long counter;

  @ParameterizedTest
  @ValueSource(ints = {20, 5_000, 400_000})
  void isTheNewestOrNothing(int keys) {
    long seed = System.nanoTime();
    System.out.println("seed " + seed);
    var random = new Random(seed);
    var versions = new RecentVersions(random);
    var model = new HashMap<Integer, Version>();
    int found = 0;
    int asked = 0;
    for (int i = 0; i < 300_000; i++) {
      int key = random.nextInt(keys);
      Version before = model.get(key);
      Seen seen = versions.get(Key.of("a/" + key));
      if (before == null) {
        assertThat(seen).isNull();
      } else {
        asked += before.context().size() <= 2 ? 1 : 0;
        found += seen == null ? 0 : 1;
        assertThat(seen == null || seen.equals(Seen.of(before))).isTrue();
      }
      var next =
          new Version(
              new Dot(new ActorId(1 + random.nextInt(4)), ++counter),
              before == null ? VersionVector.EMPTY : before.asContext(),
              STAMP);
      Version published = random.nextInt(8) == 0 ? first(next) : next;
      versions.published(Key.of("a/" + key), published);
      model.put(key, published);
    }

    assertThat(found).isGreaterThan(asked / 2);
    assertThat(versions.bytes()).isLessThanOrEqualTo(RecentVersions.MAX_BYTES);
  }

  private static Version first(Version version) {
    return new Version(version.dot(), VersionVector.EMPTY, STAMP);
  }

  @Test
  void forgetsWhatItCannotTell() {
    var versions = new RecentVersions(new Random(1));
    versions.published(KEY, version(1, VersionVector.EMPTY));
    VersionVector three = VersionVector.of(dot(2)).with(dot(3)).with(dot(4));

    versions.published(KEY, version(1, three));

    assertThat(versions.get(KEY)).isNull();
  }

  @Test
  void tellsTheContextOfTwoOthersAndOfTheWriterItself() {
    var versions = new RecentVersions(new Random(1));
    VersionVector context = VersionVector.of(dot(1)).with(dot(2)).with(dot(3));
    Version version = version(1, context);

    versions.published(KEY, version);

    assertThat(versions.get(KEY)).isEqualTo(Seen.of(version));
  }

  private Dot dot(long actor) {
    return new Dot(new ActorId(actor), ++counter);
  }

  private Version version(long actor, VersionVector context) {
    return new Version(dot(actor), context, STAMP);
  }
}
