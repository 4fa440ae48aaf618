package io.metafabric.core.store;

import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import org.jspecify.annotations.Nullable;

/**
 * Something that waits for the journal.
 *
 * @param before the key's header that this was decided on, null if there was none
 * @param published what is told to the listener once it is in; null for marks
 * @param bytes about as much as it holds in memory
 * @param done is called with null once it is published, or with the failure
 */
record Staged(
    JournalEntry entry,
    @Nullable Header before,
    @Nullable Published published,
    int bytes,
    Completion done) {
  /** Is called once. */
  @FunctionalInterface
  interface Completion {
    void done(@Nullable RuntimeException failure);
  }

  @Nullable Key key() {
    return published == null ? null : published.record().key();
  }

  @Nullable Header header() {
    return published == null ? null : published.record().header();
  }
}
