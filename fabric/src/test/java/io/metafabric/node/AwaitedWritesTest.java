package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.VersionVector;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class AwaitedWritesTest {
  private static final int ACTORS = 1000;

  private final Map<ActorId, Long> applied = new HashMap<>();
  private int lookups;

  private static VersionVector many() {
    VersionVector many = VersionVector.EMPTY;
    for (int i = 1; i <= ACTORS; i++) {
      many = many.with(new Dot(new ActorId(i), i));
    }
    return many;
  }

  private long appliedUpTo(ActorId actor) {
    lookups++;
    return applied.getOrDefault(actor, 0L);
  }

  @Test
  void nothing_hasCome() {
    assertThat(new AwaitedWrites(VersionVector.EMPTY).haveCome(this::appliedUpTo)).isTrue();
  }

  @Test
  void theyHaveCome_onceEachIsApplied_inWhateverOrder() {
    var awaited = new AwaitedWrites(many());
    for (int i = ACTORS; i >= 1; i--) {
      assertThat(awaited.haveCome(this::appliedUpTo)).isFalse();
      applied.put(new ActorId(i), (long) i);
    }
    assertThat(awaited.haveCome(this::appliedUpTo)).isTrue();
  }

  /** A token may be made up to name very many, and is looked at whenever anything comes. */
  @Test
  void whoAsksAgain_paysForTheOneThatIsMissing() {
    var awaited = new AwaitedWrites(many());
    for (int i = 1; i <= ACTORS; i++) {
      applied.put(new ActorId(i), (long) i);
    }
    applied.put(new ActorId(700), 699L);
    for (int i = 0; i < 1000; i++) {
      assertThat(awaited.haveCome(this::appliedUpTo)).isFalse();
    }
    assertThat(lookups).isEqualTo(700 + 999);
    applied.put(new ActorId(700), 700L);
    assertThat(awaited.haveCome(this::appliedUpTo)).isTrue();
  }
}
