package io.metafabric.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the README names runs, and shows what it says. */
class RoamingSessionTest {
  @TempDir Path directory;

  @Test
  void theUserSeesTheChange_inTheOtherRegion() {
    assertThat(RoamingSession.run(directory)).hasValue("blue");
  }
}
