package io.metafabric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.error.FabricClosedException;
import io.metafabric.core.error.HomeMoveException;
import io.metafabric.core.error.InvalidKeyException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Homes that are asked to move through the facade; between regions: {@code node.HomeMoveTest}. */
final class MoveHomeTest {
  @Test
  void whatCannotMove_isRefusedWithAReason(@TempDir Path directory) {
    MetadataFabric fabric = MetadataFabric.builder().directory(directory).open();
    try (fabric) {
      fabric.put("n/1", new byte[] {1});
      fabric.moveHome("n/1", fabric.explain("n/1").home());
      assertThatThrownBy(() -> fabric.moveHome("n/1", "mars"))
          .isInstanceOf(HomeMoveException.class)
          .hasMessageContaining("n/1")
          .hasMessageContaining("mars is not a peer");
      assertThatThrownBy(() -> fabric.moveHome("n/1", "not a region"))
          .isInstanceOf(ConfigurationException.class);
      assertThatThrownBy(() -> fabric.moveHome("n", "eu")).isInstanceOf(InvalidKeyException.class);
    }
    assertThatThrownBy(() -> fabric.moveHome("n/1", "mars"))
        .isInstanceOf(FabricClosedException.class);
  }

  @Test
  void theFabricsOwnRecords_cannotBeNamedByAHost(@TempDir Path directory) {
    try (MetadataFabric fabric = MetadataFabric.builder().directory(directory).open()) {
      assertThatThrownBy(() -> fabric.put("~home/n/1", new byte[0]))
          .isInstanceOf(InvalidKeyException.class);
      assertThatThrownBy(() -> fabric.get("~home/n/1")).isInstanceOf(InvalidKeyException.class);
      assertThat(fabric.stats().memory()).anyMatch(use -> use.what().equals("moved homes"));
    }
  }
}
