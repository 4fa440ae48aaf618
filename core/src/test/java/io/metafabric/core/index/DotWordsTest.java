package io.metafabric.core.index;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;

class DotWordsTest {
  private static final long LARGEST = (1L << 43) - 1;

  private final DotWords words = new DotWords(40);

  private static Dot dot(int actor, long counter) {
    return new Dot(new ActorId(actor), counter);
  }

  @Test
  void aWordIsOfOneDot() {
    var seen = new HashSet<Long>();
    for (int actor = 1; actor <= 40; actor++) {
      for (long counter : new long[] {1, 2, LARGEST}) {
        long word = words.encode(dot(actor, counter));
        assertThat(DotWords.isExact(word)).isTrue();
        assertThat(seen.add(word)).isTrue();
        assertThat(words.decode(word)).isEqualTo(dot(actor, counter));
        assertThat(words.find(dot(actor, counter))).isEqualTo(word);
        assertThat(words.actor(word)).isEqualTo(new ActorId(actor));
        assertThat(DotWords.counter(word)).isEqualTo(counter);
      }
    }
  }

  @Test
  void whatHasNoRoom_hasAWordThatIsNotExact() {
    assertThat(DotWords.isExact(words.encode(dot(1, LARGEST + 1)))).isFalse();
    assertThat(words.find(dot(2, 1))).as("of nobody yet").isEqualTo(DotWords.INEXACT);
    assertThat(words.hasSeen(new ActorId(2))).isFalse();
    for (int actor = 1; actor <= 41; actor++) {
      words.encode(dot(actor, 1));
    }
    assertThat(DotWords.isExact(words.find(dot(40, 1)))).isTrue();
    assertThat(words.encode(dot(41, 1))).isEqualTo(DotWords.INEXACT);
    assertThat(words.decode(DotWords.INEXACT)).isNull();
    assertThat(words.hasSeen(new ActorId(40))).isTrue();
    assertThat(words.hasSeen(new ActorId(41))).isFalse();
  }

  @Test
  void restored_theyAreTheSame() {
    var dots = new ArrayList<Dot>();
    for (int actor = 30; actor > 0; actor--) {
      dots.add(dot(actor, actor));
    }
    List<Long> encoded = dots.stream().map(words::encode).toList();
    var again = new DotWords(40);
    again.restore(words.actors());
    assertThat(again.actors()).isEqualTo(words.actors()).hasSize(30);
    assertThat(dots.stream().map(again::find).toList()).isEqualTo(encoded);
  }
}
