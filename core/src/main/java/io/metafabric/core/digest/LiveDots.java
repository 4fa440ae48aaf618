package io.metafabric.core.digest;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.index.KeyIndex;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.version.Dot;
import java.util.Comparator;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What a store has below the nodes of its {@link HeaderTree}: the dots of all versions of all keys,
 * siblings included. They are found by passes over the index in memory, 20 bytes a key; the journal
 * is read for records alone. Thread-safe; what is published meanwhile may be missing.
 */
public final class LiveDots {
  /** By actor, then counter: the order in which lists of dots are sent. */
  public static final Comparator<Dot> ORDER =
      Comparator.comparing(Dot::actor).thenComparingLong(Dot::counter);

  private final KeyIndex index;
  private final HeaderTree tree;
  private final AtomicLong passes = new AtomicLong();

  public LiveDots(KeyIndex index, HeaderTree tree) {
    this.index = index;
    this.tree = tree;
  }

  public long keys() {
    return index.keys();
  }

  /** For one side of one comparison. */
  public ComparedDots compared() {
    return new ComparedDots(this, index, tree);
  }

  @FunctionalInterface
  interface DotVisitor {
    /**
     * @param place of the frame, if it is the key's present write
     * @param key if it is a version beside it
     */
    void visit(long actor, long counter, long place, @Nullable Key key);
  }

  /** One pass. */
  void forEachDot(DotVisitor visitor) {
    passes.incrementAndGet();
    index.forEachWrite((actor, counter, place) -> visitor.visit(actor, counter, place, null));
    index.forEachSibling((key, actor, counter) -> visitor.visit(actor, counter, 0, key));
  }

  /** How often all of the index has been gone through for comparisons, since it was opened. */
  public long passes() {
    return passes.get();
  }

  /** In how many parts {@link #forEachWithoutPayload} looks. */
  public int parts() {
    return KeyIndex.TABLES;
  }

  /**
   * The present records of one part whose payloads the journal does not have, and with the first
   * and the last part all that have siblings, whose payloads it may not have. Reads them, and
   * leaves out those that it cannot read.
   *
   * @param part from 0
   */
  public void forEachWithoutPayload(int part, Consumer<MetadataRecord> consumer) {
    for (long place : index.withoutPayload(part)) {
      try {
        Key key = index.keyAt(place);
        MetadataRecord record = key == null ? null : index.read(key);
        if (record != null && record.payload() == null) {
          consumer.accept(record);
        }
      } catch (StorageException e) {
        // Damaged: there is a payload somewhere, or nothing to be fetched.
      }
    }
    // A key that is given siblings after the first look, or left with one version before the last,
    // is found by the other or in its part.
    if (part == 0 || part == parts() - 1) {
      forEachWithSiblings(consumer);
    }
  }

  /** Whether they all have their payloads is known to whoever reads them alone. */
  private void forEachWithSiblings(Consumer<MetadataRecord> consumer) {
    for (Key key : index.keysWithSiblings()) {
      try {
        MetadataRecord record = index.read(key);
        if (record != null && record.payload() != null) {
          consumer.accept(record);
        }
      } catch (StorageException e) {
        // As above.
      }
    }
  }
}
