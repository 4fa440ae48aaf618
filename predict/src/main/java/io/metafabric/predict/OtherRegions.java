package io.metafabric.predict;

import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.AccessEvent.Outcome;
import io.metafabric.core.access.AccessSummary;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.ActorId;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * What other regions tell of their reads, until it is learned from: checked, each told once, and
 * bounded in bytes. Not thread-safe.
 */
public final class OtherRegions {
  /** What comes while so much waits is dropped. */
  public static final long MAX_WAITING_BYTES = 4 << 20;

  /** What one that waits takes beside its bytes. */
  private static final int OVERHEAD_BYTES = 200;

  /** What became of the summaries that came. */
  public interface Counts {
    Counts NONE =
        new Counts() {
          @Override
          public void learned(long reads) {}

          @Override
          public void repeated() {}

          @Override
          public void dropped() {}

          @Override
          public void unknown(long reads) {}
        };

    void learned(long reads);

    /** It came before, or one that is newer did. */
    void repeated();

    /** There is no room for it. */
    void dropped();

    /** So many reads are of keys that nobody knows here. */
    void unknown(long reads);
  }

  /**
   * How far a region has told.
   *
   * @param opening of its directory, by which it numbers
   * @param since the summary from which on the runs of its clients go on from one to the next
   */
  private record Told(ActorId opening, long sequence, long since, boolean whole) {}

  /**
   * @param since as in {@link Told}
   */
  private record Waiting(RegionName from, ActorId opening, long since, AccessSummary summary) {
    long bytes() {
      return OVERHEAD_BYTES + summary.retainedBytes();
    }
  }

  private final Counts counts;
  private final Map<RegionName, Told> told = new HashMap<>();
  private final ArrayDeque<Waiting> waiting = new ArrayDeque<>();
  private long waitingBytes;

  /** The one that is being learned from. */
  private @Nullable Waiting current;

  private int run;
  private int read;

  /** Of each of its keys whether it is known here, once that was asked. */
  private @Nullable Boolean[] known = new @Nullable Boolean[0];

  public OtherRegions(Counts counts) {
    this.counts = counts;
  }

  /**
   * Takes in a summary, unless it came before or there is no room for it.
   *
   * @param opening of the sender's directory
   * @param sequence of the summary, ascending within the opening
   */
  public void told(RegionName from, ActorId opening, long sequence, AccessSummary summary) {
    Told before = told.get(from);
    if (before != null && !before.opening().equals(opening)) {
      before = null;
    }
    if (before != null && sequence <= before.sequence()) {
      counts.repeated();
      return;
    }
    long since = sequence;
    if (before != null && before.whole() && summary.whole() && sequence == before.sequence() + 1) {
      since = before.since();
    }
    var waits = new Waiting(from, opening, since, summary);
    boolean fits = waitingBytes + waits.bytes() <= MAX_WAITING_BYTES;
    told.put(from, new Told(opening, sequence, since, fits && summary.whole()));
    if (!fits) {
      counts.dropped();
      return;
    }
    waiting.add(waits);
    waitingBytes += waits.bytes();
  }

  /**
   * Has predictors learn from what was told.
   *
   * @param exists whether there is such a key; others are nobody's business here
   * @param nowMs epoch milliseconds
   * @param most reads at once, about
   */
  public void learn(Foresight foresight, Predicate<Key> exists, long nowMs, int most) {
    int left = most;
    while (left > 0 && begun()) {
      left -= learnSome(foresight, exists, nowMs, left);
    }
  }

  private boolean begun() {
    if (current == null && !waiting.isEmpty()) {
      current = waiting.element();
      run = 0;
      read = 0;
      known = new @Nullable Boolean[current.summary().keys().size()];
    }
    return current != null;
  }

  private int learnSome(Foresight foresight, Predicate<Key> exists, long nowMs, int most) {
    Waiting which = current;
    if (which == null) {
      return 0;
    }
    AccessSummary from = which.summary();
    var events = new ArrayList<AccessEvent>();
    long unknown = 0;
    int seen = 0;
    while (seen < most && run < from.runs().size()) {
      AccessSummary.Run of = from.runs().get(run);
      int number = of.reads().get(read);
      Key key = from.keys().get(number);
      if (isKnown(number, key, exists)) {
        events.add(
            new AccessEvent(
                clientOf(which, of.client()), key.path(), which.from(), nowMs, Outcome.HOT));
      } else {
        unknown++;
      }
      seen++;
      read++;
      if (read == of.reads().size()) {
        run++;
        read = 0;
      }
    }
    foresight.learn(events);
    long learned = events.size();
    if (run == from.runs().size()) {
      for (AccessSummary.More each : from.more()) {
        Key key = from.keys().get(each.key());
        if (isKnown(each.key(), key, exists)) {
          foresight.learnMore(key, each.reads());
          learned += each.reads();
        } else {
          unknown += each.reads();
        }
      }
      seen += from.more().size();
      end(which);
    }
    counts.learned(learned);
    counts.unknown(unknown);
    // A summary without a run was something to do too.
    return Math.max(1, seen);
  }

  private boolean isKnown(int number, Key key, Predicate<Key> exists) {
    Boolean asked = known[number];
    if (asked == null) {
      asked = exists.test(key);
      known[number] = asked;
    }
    return asked;
  }

  /** No name that a client here is likely to have. */
  private static String clientOf(Waiting which, int client) {
    return "~" + which.from() + "/" + which.opening().id() + "/" + which.since() + "/" + client;
  }

  private void end(Waiting which) {
    waiting.remove();
    waitingBytes -= which.bytes();
    current = null;
  }

  /** What waits to be learned from. */
  public long waitingBytes() {
    return waitingBytes;
  }
}
