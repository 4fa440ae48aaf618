package io.metafabric.replicate;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.RegionName;
import java.util.List;
import org.junit.jupiter.api.Test;

class PublicationTimesTest {
  private static final RegionName EU = new RegionName("eu");
  private static final RegionName US = new RegionName("us");
  private static final long MS = 1_000_000;

  private final PublicationTimes times = new PublicationTimes(List.of(EU, US));

  @Test
  void aChangeHasTheTimeOfItsMoment() {
    times.published(3, 10 * MS);
    times.published(4, 10 * MS + 5);
    times.published(9, 20 * MS);
    assertThat(times.publishedAt(1, 99 * MS)).isEqualTo(10 * MS);
    assertThat(times.publishedAt(4, 99 * MS)).isEqualTo(10 * MS);
    assertThat(times.publishedAt(5, 99 * MS)).isEqualTo(20 * MS);
    assertThat(times.publishedAt(10, 99 * MS)).as("not told of yet").isEqualTo(99 * MS);
  }

  @Test
  void whatAPeerLacks_isKept_andWhatAllHave_isForgotten() {
    for (int i = 1; i <= 100; i++) {
      times.published(i, 10 * MS * i);
    }
    times.acknowledged(EU, 80);
    assertThat(times.publishedAt(1, 0)).isEqualTo(10 * MS);
    times.acknowledged(US, 50);
    assertThat(times.publishedAt(1, 0)).as("the first that is kept").isEqualTo(510 * MS);
    assertThat(times.publishedAt(51, 0)).isEqualTo(510 * MS);
    times.acknowledged(US, 100);
    assertThat(times.publishedAt(81, 0)).isEqualTo(810 * MS);
    times.acknowledged(EU, 100);
    assertThat(times.publishedAt(100, 7)).isEqualTo(7);
  }

  /** A peer is away for a day while there is a change every 10 ms. */
  @Test
  void timesThatRunOut_becomeCoarser_butNeverTooYoung() {
    int changes = 24 * 3600 * 100;
    for (int i = 1; i <= changes; i++) {
      times.published(i, 10 * MS * i);
    }
    double day = 10.0 * MS * changes;
    for (int i = 1; i <= changes; i += 9973) {
      long at = times.publishedAt(i, Long.MAX_VALUE);
      assertThat(at).isLessThanOrEqualTo(10 * MS * i);
      assertThat(10 * MS * i - at).isLessThan((long) (day / 250));
    }
    times.acknowledged(EU, changes);
    times.acknowledged(US, changes);
    times.published(changes + 1, 0);
    times.published(changes + 2, 5 * MS);
    assertThat(times.publishedAt(changes + 2, 0)).as("fine again").isEqualTo(5 * MS);
  }
}
