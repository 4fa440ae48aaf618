package io.metafabric.core.store;

import io.metafabric.core.record.Header;
import io.metafabric.core.version.Version;
import org.jspecify.annotations.Nullable;

/** What must be true of a key, as this node knows it, for a write to happen. */
@FunctionalInterface
public interface Precondition {
  Precondition NONE = (current, nowMs) -> true;

  /** There is no value to be seen: never written, deleted, or expired. */
  Precondition ABSENT = (current, nowMs) -> current == null || !current.isVisibleAt(nowMs);

  Precondition VISIBLE = (current, nowMs) -> current != null && current.isVisibleAt(nowMs);

  /**
   * @param current what a reader sees; null if nothing is known of the key
   * @param nowMs epoch milliseconds
   */
  boolean holds(@Nullable Header current, long nowMs);

  /** The value to be seen has this very version; {@link Version#NONE} means nothing is known. */
  static Precondition version(Version expected) {
    return (current, nowMs) ->
        current == null
            ? expected.equals(Version.NONE)
            : current.isVisibleAt(nowMs) && current.version().dot().equals(expected.dot());
  }
}
