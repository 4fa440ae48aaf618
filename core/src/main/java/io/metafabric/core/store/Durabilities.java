package io.metafabric.core.store;

import io.metafabric.core.journal.Durability;
import io.metafabric.core.record.Key;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What writes wait for; those of the fabric's own records always for the disk. Immutable.
 *
 * @param byNamespace for the keys of these namespaces
 * @param otherwise for all others
 */
public record Durabilities(Map<String, Durability> byNamespace, Durability otherwise) {
  public Durabilities {
    byNamespace = Map.copyOf(byNamespace);
  }

  public static Durabilities all(Durability durability) {
    return new Durabilities(Map.of(), durability);
  }

  /**
   * @param key null for what belongs to no key
   */
  Durability of(@Nullable Key key) {
    if (key == null) {
      return otherwise;
    }
    if (key.isSystem()) {
      return Durability.SYNC;
    }
    if (byNamespace.isEmpty()) {
      return otherwise;
    }
    return byNamespace.getOrDefault(key.namespace(), otherwise);
  }
}
