package io.metafabric.core.index;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.record.Key;
import io.metafabric.core.version.Dot;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Goes through all keys of an index, a table at a time, beside readers, publisher and compaction:
 * the places are copied under the table's lock, and the journal is read without it. Has no state of
 * its own. Any thread.
 */
final class IndexWalk {
  private final SlotTables tables;
  private final DotWords dots;
  private final NamedFrames named;

  IndexWalk(SlotTables tables, DotWords dots, NamedFrames named) {
    this.tables = tables;
    this.dots = dots;
    this.named = named;
  }

  /** See {@link KeyIndex#forEachKey(Consumer, Consumer)}. */
  void forEachKey(Consumer<Key> consumer, Consumer<StorageException> unreadable) {
    for (SlotTable table : tables.all()) {
      long[] places = headers(table);
      while (!forEachKey(places, consumer, unreadable)) {
        // Compaction moved one of them before anything was said.
        long[] again = headers(table);
        if (Arrays.equals(places, again)) {
          throw new IllegalStateException("the index names frames that are gone");
        }
        places = again;
      }
    }
  }

  private boolean forEachKey(
      long[] places, Consumer<Key> consumer, Consumer<StorageException> unreadable) {
    var found = new ArrayList<Key>(places.length);
    var failed = new ArrayList<StorageException>();
    try {
      for (long place : places) {
        try {
          found.add(named.recordAt(place).key());
        } catch (StorageException e) {
          failed.add(e);
        }
      }
    } catch (NamedFrames.FrameMovedException e) {
      return false;
    }
    failed.forEach(unreadable);
    found.forEach(consumer);
    return true;
  }

  private static long[] headers(SlotTable table) {
    long stamp = table.lock();
    try {
      long[] places = new long[table.used()];
      int count = 0;
      for (int slot = 0; slot < table.slots(); slot++) {
        if (table.first(slot) != 0 && SlotWords.isHeader(table.second(slot))) {
          places[count++] = table.first(slot);
        }
      }
      return Arrays.copyOf(places, count);
    } finally {
      table.unlock(stamp);
    }
  }

  /** See {@link KeyIndex#forEachWrite}. */
  void forEachWrite(WriteVisitor visitor) {
    for (SlotTable table : tables.all()) {
      long[] words = writes(table);
      long[] written = dotsOf(words);
      while (written == null) {
        // Compaction moved one of them before anything was said.
        words = writes(table);
        written = dotsOf(words);
      }
      for (int i = 0; i < words.length; i += 2) {
        visitor.visit(written[i], written[i + 1], words[i]);
      }
    }
  }

  /** Actor and counter for each place and dot's word; null if a frame has moved. */
  private long @Nullable [] dotsOf(long[] words) {
    var written = new long[words.length];
    try {
      for (int i = 0; i < words.length; i += 2) {
        long word = words[i + 1];
        if (DotWords.isExact(word)) {
          written[i] = dots.actor(word).id();
          written[i + 1] = DotWords.counter(word);
        } else {
          Dot dot = named.recordAt(words[i]).header().version().dot();
          written[i] = dot.actor().id();
          written[i + 1] = dot.counter();
        }
      }
      return written;
    } catch (NamedFrames.FrameMovedException e) {
      return null;
    }
  }

  private static long[] writes(SlotTable table) {
    long stamp = table.lock();
    try {
      int left = table.used();
      long[] words = new long[2 * left];
      int length = 0;
      for (int slot = 0; left > 0; slot++) {
        long first = table.first(slot);
        if (first != 0) {
          left--;
          if (SlotWords.isHeader(table.second(slot))) {
            words[length++] = first;
            words[length++] = SlotWords.dotOf(table.second(slot));
          }
        }
      }
      return Arrays.copyOf(words, length);
    } finally {
      table.unlock(stamp);
    }
  }

  /** See {@link KeyIndex#withoutPayload}. */
  long[] withoutPayload(int table) {
    long[] words = writes(tables.get(table));
    int count = 0;
    for (int i = 0; i < words.length; i += 2) {
      if (!SlotWords.hasPayload(words[i])) {
        words[count++] = words[i];
      }
    }
    return Arrays.copyOf(words, count);
  }

  /** See {@link KeyIndex#mortalsIn}. */
  long[] mortalsIn(int table, Predicate<Dot> asked) {
    SlotTable of = tables.get(table);
    return of.mortals() == 0 ? new long[0] : mortalPlaces(of, asked);
  }

  private long[] mortalPlaces(SlotTable table, Predicate<Dot> asked) {
    long stamp = table.lock();
    try {
      long[] places = new long[8];
      int count = 0;
      for (int slot = 0; slot < table.slots(); slot++) {
        long second = table.second(slot);
        if (table.first(slot) != 0 && SlotWords.isHeader(second) && SlotWords.isMortal(second)) {
          Dot dot = dots.decode(SlotWords.dotOf(second));
          if (dot == null || asked.test(dot)) {
            places = count == places.length ? Arrays.copyOf(places, 2 * count) : places;
            places[count++] = table.first(slot);
          }
        }
      }
      return Arrays.copyOf(places, count);
    } finally {
      table.unlock(stamp);
    }
  }

  /** See {@link KeyIndex#keyAt}. */
  @Nullable Key keyAt(long place) {
    try {
      return named.recordAt(place).key();
    } catch (NamedFrames.FrameMovedException e) {
      return null;
    }
  }
}
