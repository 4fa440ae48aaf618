package io.metafabric.core.journal;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SegmentNameTest {
  @Test
  void aFileIsNamedForItsFirstPosition_andItsGeneration() {
    assertThat(new SegmentName(0x1f, 0).file()).isEqualTo("journal-000000000000001f.log");
    assertThat(new SegmentName(0x1f, 10).file()).isEqualTo("journal-000000000000001f-0000000a.log");
    for (SegmentName name :
        List.of(
            new SegmentName(1, 0),
            new SegmentName(1, 1),
            new SegmentName(Segment.MAX_END_POSITION, Integer.MAX_VALUE))) {
      assertThat(SegmentName.parse(name.file())).isEqualTo(name);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "journal.mark",
        "journal-.log",
        "journal-000000000000001f.log.torn",
        "journax-000000000000001f.log",
        "journal-000000000000001f.lox",
        "journal-000000000000001F.log",
        "journal-000000000000001g.log",
        "journal-0000000000000000.log",
        "journal-ffffffffffffffff.log",
        "journal-000000000000001f-00000000.log",
        "journal-000000000000001f-ffffffff.log",
        "journal-000000000000001f_0000000a.log",
        "journal-000000000000001f-0000000g.log",
        "journal-000000000000001f-000000a.log",
      })
  void whatNoJournalWrites_isNoSegment(String name) {
    assertThat(SegmentName.parse(name)).isNull();
  }

  @Test
  void theyAreInTheOrderOfTheirPositions_theNewestGenerationFirst() {
    List<SegmentName> sorted =
        List.of(
            new SegmentName(1, 2),
            new SegmentName(1, 1),
            new SegmentName(1, 0),
            new SegmentName(2, 9),
            new SegmentName(300, 0));
    var shuffled = new ArrayList<>(sorted);
    Collections.reverse(shuffled);
    Collections.sort(shuffled);
    assertThat(shuffled).isEqualTo(sorted);
  }
}
