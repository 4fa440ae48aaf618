package io.metafabric.core.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.journal.SnapshotToken.Phase;
import io.metafabric.core.version.ActorId;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class SnapshotTokenTest {
  static final ActorId OPENING = new ActorId(7);
  static final SnapshotToken NAMED = token(Phase.NAMED, 10, 3, 20);
  static final SnapshotToken ORDERED = token(Phase.ORDERED, 10, 15, 20);
  static final SnapshotToken ENDED = token(Phase.ENDED, 10, 20, 20);

  private static SnapshotToken token(Phase phase, long begin, long place, long seen) {
    return new SnapshotToken(42, OPENING, phase, begin, place, seen);
  }

  @Test
  void itsBytesMakeItAgain_andNoOthersDo() {
    for (SnapshotToken token : List.of(NAMED, ORDERED, ENDED)) {
      byte[] bytes = token.toBytes();
      assertThat(SnapshotToken.fromBytes(bytes)).isEqualTo(token);
      for (int i = 0; i < bytes.length; i++) {
        byte[] other = bytes.clone();
        other[i] ^= 1;
        assertThatThrownBy(() -> SnapshotToken.fromBytes(other))
            .isInstanceOf(WireFormatException.class);
      }
    }
    for (int length : new int[] {0, SnapshotToken.BYTES - 1, SnapshotToken.BYTES + 1}) {
      byte[] cut = Arrays.copyOf(ORDERED.toBytes(), length);
      assertThatThrownBy(() -> SnapshotToken.fromBytes(cut))
          .isInstanceOf(WireFormatException.class)
          .hasMessageContaining("has 46 bytes, not " + length);
    }
  }

  @Test
  void aSnapshotIsSomewhereBetweenItsBeginAndWhatWasSeen() {
    assertThat(token(Phase.ORDERED, 10, 0, 10).isEnded()).isFalse();
    assertThat(token(Phase.ORDERED, 10, 20, 20).place()).isEqualTo(20);
    assertThat(token(Phase.ENDED, 10, 10, 20).isEnded()).isTrue();
    assertThat(token(Phase.NAMED, 0, 99, 0).isBeginning()).isFalse();
    assertThat(token(Phase.NAMED, 1, 0, 1).isBeginning()).isTrue();
    assertThat(token(Phase.ORDERED, 1, 0, 1).isBeginning()).isFalse();
    for (long[] places :
        new long[][] {
          {0, 10, -1, 20},
          {1, 10, -1, 20},
          {1, 10, 21, 20},
          {2, 10, 9, 20},
          {2, 10, 21, 20},
          {0, -1, 0, 20},
          {0, 10, 0, 9},
          {0, 10, 0, Segment.MAX_END_POSITION}
        }) {
      Phase phase = Phase.values()[(int) places[0]];
      assertThatThrownBy(() -> token(phase, places[1], places[2], places[3]))
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThat(token(Phase.NAMED, 10, 0, Segment.MAX_END_POSITION - 1).seen()).isPositive();
  }

  @Test
  void itsSourceMustHaveAllThatComesAfterIt() {
    assertThat(NAMED.needsAfter()).isEqualTo(10);
    assertThat(token(Phase.NAMED, 10, 15, 20).needsAfter()).isEqualTo(10);
    assertThat(token(Phase.ORDERED, 10, 4, 20).needsAfter()).isEqualTo(10);
    assertThat(ORDERED.needsAfter()).isEqualTo(15);
  }

  @Test
  void aSnapshotBegins_andGoesOnUnderAnotherOpening() {
    SnapshotToken beginning = SnapshotToken.beginning(42, OPENING, 10);
    assertThat(beginning).isEqualTo(token(Phase.NAMED, 10, 0, 10));
    assertThat(beginning.at(Phase.ORDERED, 12, new ActorId(8), 30))
        .isEqualTo(new SnapshotToken(42, new ActorId(8), Phase.ORDERED, 10, 12, 30));
  }
}
