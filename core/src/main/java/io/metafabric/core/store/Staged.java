package io.metafabric.core.store;

import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.version.Dot;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Something that waits for the journal. */
final class Staged {
  /** Is called once. */
  @FunctionalInterface
  interface Completion {
    void done(@Nullable RuntimeException failure);

    /** Completes {@code future} with {@code value}, or with the failure. */
    static <T> Completion completing(CompletableFuture<T> future, T value) {
      return failure -> {
        if (failure == null) {
          future.complete(value);
        } else {
          future.completeExceptionally(failure);
        }
      };
    }
  }

  private final JournalEntry entry;
  private final @Nullable Dot before;
  private final boolean sameWrite;
  private final @Nullable Published published;
  private final int bytes;
  private final Completion done;
  private @Nullable List<Completion> alsoDone;

  /**
   * @param before the dot of the key's record that this was decided on, null if there was none
   * @param sameWrite whether that was the same write
   * @param published what is told to the listener once it is in; null for marks
   * @param bytes about as much as it holds in memory
   * @param done is called with null once it is published, or with the failure
   */
  Staged(
      JournalEntry entry,
      @Nullable Dot before,
      boolean sameWrite,
      @Nullable Published published,
      int bytes,
      Completion done) {
    this.entry = entry;
    this.before = before;
    this.sameWrite = sameWrite;
    this.published = published;
    this.bytes = bytes;
    this.done = done;
  }

  JournalEntry entry() {
    return entry;
  }

  @Nullable Dot before() {
    return before;
  }

  boolean isSameWrite() {
    return sameWrite;
  }

  @Nullable Published published() {
    return published;
  }

  int bytes() {
    return bytes;
  }

  /** What others are told of must not be taken back by a loss of power. */
  boolean mustBeDurable() {
    return entry instanceof JournalEntry.Configured;
  }

  @Nullable Key key() {
    return published == null ? null : published.record().key();
  }

  @Nullable Header header() {
    return published == null ? null : published.record().header();
  }

  /**
   * Somebody else's answer rests on this too. Under the lock of decisions, and only while this is
   * the newest of its key.
   */
  void alsoTell(Completion other) {
    List<Completion> others = alsoDone;
    if (others == null) {
      others = new ArrayList<>(1);
      alsoDone = others;
    }
    others.add(other);
  }

  /** Tells whoever waits; afterwards nobody is added. */
  void tell(@Nullable RuntimeException failure) {
    done.done(failure);
    if (alsoDone != null) {
      alsoDone.forEach(other -> other.done(failure));
    }
  }
}
