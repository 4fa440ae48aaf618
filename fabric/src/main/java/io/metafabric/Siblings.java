package io.metafabric;

import io.metafabric.core.version.Version;
import java.util.List;

/**
 * What is known of a key whose namespace keeps concurrent writes. Immutable.
 *
 * @param values that can be read, the one that a plain read shows first; empty if there is none
 * @param deleted whether a deletion is among the writes that had not seen each other
 * @param version stands for all of it: {@link Records#put(String, byte[], Version)} with it closes
 *     the conflict
 */
public record Siblings(List<Versioned> values, boolean deleted, Version version) {
  public Siblings {
    values = List.copyOf(values);
  }

  /** Whether there is more than one thing to choose from. */
  public boolean isConflict() {
    return values.size() + (deleted ? 1 : 0) > 1;
  }
}
