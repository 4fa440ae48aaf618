package io.metafabric.replicate.arm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.record.RegionName;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PricesTest {
  private static final RegionName PARIS = Candidates.PARIS;
  private static final RegionName OSLO = Candidates.OSLO;
  private static final RegionName ROME = new RegionName("rome");

  private final Prices prices =
      Prices.DEFAULT
          .withTransferPerGb("oslo", "paris", 0.09)
          .withStoragePerGbMonth("paris", 0.73)
          .withSavedMs(0.5)
          .withSavedMs("paris", 10);

  @Test
  void aPairHasItsOwnPrice_inItsDirection_andAllOthersTheDefault() {
    assertThat(prices.transferred(OSLO, PARIS)).isCloseTo(0.09e6 / 1e9, within(1e-12));
    assertThat(prices.transferred(PARIS, OSLO)).isCloseTo(0.02e6 / 1e9, within(1e-12));
    assertThat(prices.stored(PARIS)).isCloseTo(1e-6, within(1e-12));
    assertThat(prices.stored(OSLO)).isEqualTo(Prices.DEFAULT.perStoredByteHour());
    assertThat(prices.saved(PARIS)).isEqualTo(10);
    assertThat(prices.saved(OSLO)).isEqualTo(0.5);
  }

  @Test
  void regionsThatNobodyKnows_areNamed() {
    prices.requireRegions(Set.of(OSLO, PARIS));
    assertThatThrownBy(() -> prices.requireRegions(Set.of(PARIS, ROME)))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("there are prices of [oslo], but the regions are [paris, rome]");
    assertThatThrownBy(() -> prices.withSavedMs("Not a region", 1))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("Not a region");
    assertThatThrownBy(() -> prices.withTransferPerGb("oslo", "oslo", 1))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("both are oslo");
  }

  @Test
  void nulls_areRefusedByName() {
    var none = new HashMap<RegionName, Double>();
    none.put(PARIS, null);
    refusedNull(() -> new Prices(0, 0, 0, Map.of(), none, Map.of()), "storage");
    refusedNull(() -> new Prices(0, 0, 0, Map.of(), Map.of(), none), "savedMs");
    var nobody = new HashMap<RegionName, Double>();
    nobody.put(null, 1.0);
    refusedNull(() -> new Prices(0, 0, 0, Map.of(), Map.of(), nobody), "savedMs");
    var transfers = new HashMap<Prices.Pair, Double>();
    transfers.put(new Prices.Pair(OSLO, PARIS), null);
    refusedNull(() -> new Prices(0, 0, 0, transfers, Map.of(), Map.of()), "transfers");
    refusedNull(() -> new Prices(0, 0, 0, null, Map.of(), Map.of()), "transfers");
  }

  @ParameterizedTest
  @ValueSource(
      doubles = {-0.001, Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, 1e10})
  void whatIsNoPrice_isRefusedByName(double price) {
    refused(() -> new Prices(price, 0, 0), "perTransferredByte");
    refused(() -> new Prices(0, price, 0), "perStoredByteHour");
    refused(() -> new Prices(0, 0, price), "perSavedMs");
    refused(() -> prices.withTransferPerGb("us", "eu", price), "perTransferredByte from us to eu");
    refused(() -> prices.withStoragePerGbMonth("us", price), "perStoredByteHour in us");
    refused(() -> prices.withSavedMs("us", price), "perSavedMs in us");
    refused(() -> prices.withSavedMs(price), "perSavedMs");
  }

  private static void refusedNull(Runnable call, String of) {
    assertThatThrownBy(call::run)
        .isInstanceOf(ConfigurationException.class)
        .hasMessageStartingWith("prices of " + of + " must ")
        .hasMessageContaining("null");
  }

  private static void refused(Runnable call, String field) {
    assertThatThrownBy(call::run)
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("price " + field + " must be 0 to ");
  }
}
