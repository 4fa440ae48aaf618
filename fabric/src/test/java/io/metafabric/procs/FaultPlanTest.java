package io.metafabric.procs;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.procs.Fault.Kind;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class FaultPlanTest {
  private static final long DURATION_MS = 30_000;

  @Test
  void theSameSeed_givesTheSameFaults() {
    assertThat(FaultPlan.of(7, 3, DURATION_MS)).isEqualTo(FaultPlan.of(7, 3, DURATION_MS));
    assertThat(FaultPlan.of(7, 3, DURATION_MS)).isNotEqualTo(FaultPlan.of(8, 3, DURATION_MS));
  }

  @Test
  void halfAMinute_hasFaultsOfAllKinds() {
    var ends = EnumSet.of(Kind.PASS, Kind.PASS_ANEW, Kind.RESUME);
    for (long seed = 1; seed <= 100; seed++) {
      var kinds =
          FaultPlan.of(seed, 3, DURATION_MS).stream()
              .map(Fault::kind)
              .collect(Collectors.toCollection(() -> EnumSet.noneOf(Kind.class)));
      // How a fault ends is by chance.
      kinds.addAll(ends);
      assertThat(kinds).as("seed " + seed).isEqualTo(EnumSet.allOf(Kind.class));
    }
  }

  @Test
  void whereProcessesAreSpared_noneEnds_andAllElseGoesWrong() {
    var spared = EnumSet.of(Kind.KILL, Kind.SHUT_DOWN, Kind.START);
    for (long seed = 1; seed <= 100; seed++) {
      var kinds = EnumSet.noneOf(Kind.class);
      FaultPlan.sparingProcesses(seed, 3, DURATION_MS).forEach(fault -> kinds.add(fault.kind()));
      // How a fault ends is by chance.
      kinds.addAll(EnumSet.of(Kind.PASS, Kind.PASS_ANEW, Kind.RESUME));
      assertThat(kinds).as("seed " + seed).isEqualTo(EnumSet.complementOf(spared));
    }
  }

  @Test
  void aProcessIsPausedAndEnded_onlyWhileItRuns() {
    for (long seed = 1; seed <= 100; seed++) {
      List<Fault> faults = FaultPlan.of(seed, 3, DURATION_MS);
      for (int region = 0; region < 3; region++) {
        var story = new ArrayList<String>();
        for (Fault fault : faults) {
          if (fault.region() == region && fault.other() == region) {
            story.add(fault.kind().name());
          }
        }
        assertThat(String.join(" ", story) + " ")
            .as("seed " + seed)
            .matches(
                "(PAUSE (RESUME|KILL START) |(KILL|SHUT_DOWN) START )*"
                    + "(PAUSE |KILL |SHUT_DOWN |PAUSE KILL )? ?");
      }
    }
  }
}
