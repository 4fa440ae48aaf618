package io.metafabric.core.conflict;

import io.metafabric.core.record.Key;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The rule of each namespace. Immutable.
 *
 * @param byNamespace all others are of the last writer
 */
public record ConflictRules(Map<String, ConflictRule> byNamespace) {
  /** More namespaces with a rule of their own would not fit into a handshake. */
  public static final int MAX_NAMESPACES = 512;

  public static final ConflictRules DEFAULT = new ConflictRules(Map.of());

  public ConflictRules {
    byNamespace = Map.copyOf(byNamespace);
    if (byNamespace.size() > MAX_NAMESPACES) {
      throw new IllegalArgumentException(
          "at most " + MAX_NAMESPACES + " namespaces can have rules, not " + byNamespace.size());
    }
  }

  public ConflictRule of(Key key) {
    return byNamespace.isEmpty()
        ? ConflictRule.lastWriterWins()
        : byNamespace.getOrDefault(key.namespace(), ConflictRule.lastWriterWins());
  }

  /** The names of all rules but the default one, by namespace: what regions must agree on. */
  public SortedMap<String, String> names() {
    var names = new TreeMap<String, String>();
    byNamespace.forEach(
        (namespace, rule) -> {
          if (rule.keepsSiblings()) {
            names.put(namespace, rule.name());
          }
        });
    return names;
  }
}
