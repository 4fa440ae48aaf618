package io.metafabric.core.index;

import io.metafabric.core.stress.Interleavings;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Three actors want the numbers of two: whoever has a word has its actor. */
@Tag("stress")
@Param(name = "actor", gen = IntGen.class, conf = "1:3")
public class DotWordsStressTest {
  private final DotWords words = new DotWords(2);

  @Operation
  public long encoded(@Param(name = "actor") int actor) {
    long word = words.encode(dot(actor));
    return DotWords.isExact(word) ? words.decode(word).actor().id() : 0;
  }

  @Operation
  public boolean hasSeen(@Param(name = "actor") int actor) {
    return words.hasSeen(new ActorId(actor));
  }

  @Operation
  public boolean isFound(@Param(name = "actor") int actor) {
    return DotWords.isExact(words.find(dot(actor)));
  }

  private static Dot dot(int actor) {
    return new Dot(new ActorId(actor), 7);
  }

  @Test
  void actorsGetTheirNumbersOnce() {
    Interleavings.ofOperations(DotWordsStressTest.class);
  }
}
