package io.metafabric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.transport.FreePorts;
import io.metafabric.replicate.arm.ArmStats;
import io.metafabric.replicate.arm.CopyBudget;
import io.metafabric.replicate.arm.CopyTotals;
import io.metafabric.replicate.arm.Prices;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Prices and budgets as a host gives and sees them. */
class CopyPricesTest {
  private static final Prices TO_US = Prices.DEFAULT.withTransferPerGb("eu", "us", 0.09);

  @TempDir Path directory;

  private FabricBuilder builder() throws Exception {
    List<Integer> ports = FreePorts.take(2);
    return MetadataFabric.builder()
        .region("eu")
        .directory(directory.resolve("eu"))
        .durability(Durability.OS)
        .listen("127.0.0.1:" + ports.get(0))
        .peer("us", "127.0.0.1:" + ports.get(1));
  }

  @Test
  void pricesAndBudget_areThoseOfTheBuilder_andThenThoseThatWereSet() throws Exception {
    var budget = CopyBudget.DEFAULT.withDollarsPerDay(2);
    try (var fabric = builder().prices(TO_US).copyBudget(budget).open()) {
      ArmStats before = fabric.stats().prefetch().arm();
      assertThat(before.prices()).isEqualTo(TO_US);
      assertThat(before.budget()).isEqualTo(budget);
      assertThat(before.total()).isEqualTo(new CopyTotals(0, 0, 0, 0, 0, 0));

      fabric.setPrices(Prices.DEFAULT.withSavedMs("eu", 3));
      fabric.setCopyBudget(CopyBudget.DEFAULT);
      ArmStats after = fabric.stats().prefetch().arm();
      assertThat(after.prices()).isEqualTo(Prices.DEFAULT.withSavedMs("eu", 3));
      assertThat(after.budget()).isEqualTo(CopyBudget.DEFAULT);
    }
  }

  @Test
  void aPriceOfARegionThatNobodyKnows_isRefused_atOpenAndLater() throws Exception {
    FabricBuilder misspelt = builder().prices(Prices.DEFAULT.withSavedMs("su", 3));
    assertThatThrownBy(misspelt::open)
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("there are prices of [su], but the regions are [eu, us]");
    try (var fabric = builder().prices(TO_US).open()) {
      assertThatThrownBy(() -> fabric.setPrices(Prices.DEFAULT.withStoragePerGbMonth("su", 1)))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("[su]");
      assertThatThrownBy(() -> fabric.setPrices(null))
          .isInstanceOf(NullPointerException.class)
          .hasMessage("prices");
      assertThatThrownBy(() -> fabric.setCopyBudget(null))
          .isInstanceOf(NullPointerException.class)
          .hasMessage("budget");
      assertThat(fabric.stats().prefetch().arm().prices()).isEqualTo(TO_US);
    }
  }
}
