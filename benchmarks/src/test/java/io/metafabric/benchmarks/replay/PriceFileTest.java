package io.metafabric.benchmarks.replay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PriceFileTest {
  /** West is 80 ms from mid and 200 from east, mid 100 from east; whole dollars. */
  static final String SMALL =
      """
      # made up
      regions = west, mid, east
      latency-ms west mid = 80
      latency-ms east west = 200
      latency-ms mid east = 100
      transfer-per-gb west mid = 1
      transfer-per-gb mid west = 2
      transfer-per-gb west east = 3
      transfer-per-gb east west = 4
      transfer-per-gb mid east = 5
      transfer-per-gb east mid = 6
      storage-per-gb-month west = 7
      storage-per-gb-month mid = 8
      storage-per-gb-month east = 730
      request-per-million = 10
      saved-ms-micro-dollars = 0.5
      """;

  @TempDir Path directory;

  static PriceSheet small(Path directory) throws IOException {
    return read(directory, SMALL);
  }

  private static PriceSheet read(Path directory, String text) throws IOException {
    return PriceFile.read(Files.writeString(directory.resolve("p.prices"), text).toString());
  }

  @Test
  void whatTheFileSays_isWhatIsReckonedWith() throws IOException {
    PriceSheet sheet = small(directory);
    assertThat(sheet.regions()).map(Object::toString).containsExactly("west", "mid", "east");
    assertThat(sheet.rttMs(0, 2)).isEqualTo(200).isEqualTo(sheet.rttMs(2, 0));
    assertThat(sheet.transfer(1, 2, 500_000_000)).isCloseTo(2.5, within(1e-12));
    assertThat(sheet.storage(2, 1_000_000_000, 3_600_000)).isCloseTo(1, within(1e-12));
    assertThat(sheet.request()).isCloseTo(1e-5, within(1e-15));
    assertThat(sheet.savedMs()).isEqualTo(0.5);
    assertThat(sheet.forArm(3).perSavedMs()).isEqualTo(3);
    assertThat(sheet.forArm(3).transfers()).hasSize(6).containsValue(6e-3);
  }

  @ParameterizedTest
  @ValueSource(strings = {"aws", "gcp", "azure"})
  void whatIsShipped_isSane_andAsFarAsTheWorldIs(String name) {
    PriceSheet sheet = PriceFile.read(name);
    assertThat(sheet.savedMs()).isEqualTo(0.01);
    for (int a = 0; a < 3; a++) {
      assertThat(sheet.storage(a, 1_000_000_000, 730 * 3_600_000.0)).isBetween(0.05, 0.2);
      for (int b = 0; b < 3; b++) {
        if (a != b) {
          assertThat(sheet.rttMs(a, b)).isBetween(50.0, 300.0);
          assertThat(sheet.transfer(a, b, 1_000_000_000)).isBetween(0.01, 0.15);
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "latency-ms west mid = 80|latency-ms west mid = -1|line 3: latency-ms west mid was \"-1\"",
        "latency-ms west mid = 80|latency-ms west mid = NaN|expected a number from 0 to 60000",
        "latency-ms west mid = 80|latency-ms west mid = 60001|expected a number from 0 to 60000",
        "transfer-per-gb west mid = 1|transfer-per-gb west mid = 1e9|line 6",
        "transfer-per-gb west mid = 1|transfer-per-gb west west = 1|both are west",
        "transfer-per-gb west mid = 1|transfer-per-gb west nord = 1|of \"nord\", but the regions",
        "transfer-per-gb west mid = 1|transfer-per-gb west = 1|followed by 1 regions, not 2",
        "transfer-per-gb west mid = 1|# none|transfer-per-gb west mid is missing",
        "transfer-per-gb mid west = 2|transfer-per-gb west mid = 2|line 7: transfer-per-gb west mid is given twice",
        "storage-per-gb-month mid = 8|storage-per-gb-month mid = Infinity|line 13",
        "storage-per-gb-month mid = 8|# none|storage-per-gb-month mid is missing",
        "request-per-million = 10|request-per-million = cheap|line 15",
        "saved-ms-micro-dollars = 0.5|saved-ms-micro-dollars = 1e7|line 16",
        "saved-ms-micro-dollars = 0.5|saved-ms-micro-dollars|has no \"=\"",
        "saved-ms-micro-dollars = 0.5|saved-seconds = 1|unknown \"saved-seconds\"",
        "regions = west, mid, east|regions = west, mid|must be 3 different ones",
        "regions = west, mid, east|regions = west, mid, mid|must be 3 different ones",
        "regions = west, mid, east|regions = West, mid, east|line 2: region name \"West\"",
        "regions = west, mid, east|# none|regions given before are []",
      })
  void whatIsWrong_isToldWithItsLine(String right, String wrong, String told) {
    assertThatThrownBy(() -> read(directory, SMALL.replace(right, wrong)))
        .isInstanceOf(ReplayException.class)
        .hasMessageContaining("p.prices")
        .hasMessageContaining(told);
  }

  @Test
  void noFile_orOneThatIsFarTooLong_isRefused() throws IOException {
    assertThatThrownBy(() -> PriceFile.read(directory.resolve("none").toString()))
        .isInstanceOf(ReplayException.class)
        .hasMessageContaining("neither one of aws, gcp, azure nor a file");
    assertThatThrownBy(() -> read(directory, "#".repeat(1 << 17)))
        .isInstanceOf(ReplayException.class)
        .hasMessageContaining("longer than");
  }
}
