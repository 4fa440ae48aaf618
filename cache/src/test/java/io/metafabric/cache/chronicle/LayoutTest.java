package io.metafabric.cache.chronicle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.ConfigurationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LayoutTest {
  @ParameterizedTest
  @ValueSource(longs = {4L << 20, (4L << 20) + 1, 100_000_000, 256L << 20, 1L << 33, 1L << 40})
  void whateverTheSize_theBoundsAreUnderIt(long bytes) {
    var layout = Layout.of(bytes);
    long room = (long) layout.segments() * layout.chunksPerSegment() * Layout.CHUNK_BYTES;
    assertThat(room).isLessThanOrEqualTo(bytes).isGreaterThan(bytes - bytes / 100);
    assertThat(layout.maxBytes()).isBetween(room / 2, room - 1);
    assertThat(layout.maxEntries())
        .isBetween(1L, (long) layout.segments() * layout.slotsPerSegment() - 1);
    assertThat(Integer.bitCount(layout.segments())).isEqualTo(1);
    assertThat(layout.fits(16, 200)).isTrue();
    assertThat(layout.fits(1024, 14_000)).isTrue();
    assertThat(layout.fits(16, room)).isFalse();
  }

  @Test
  void sizesOutOfRange_areRefused() {
    assertThatThrownBy(() -> new ChronicleConfig((4 << 20) - 1))
        .isInstanceOf(ConfigurationException.class);
    assertThatThrownBy(() -> new ChronicleConfig((1L << 40) + 1))
        .isInstanceOf(ConfigurationException.class);
  }
}
