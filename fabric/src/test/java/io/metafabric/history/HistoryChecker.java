package io.metafabric.history;

import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Version;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Says what in a history contradicts the guarantees of sessions, bounds on staleness, and write
 * concern. It knows of the fabric only that of two writes of one key that with the later stamp
 * wins, and whoever had seen the other has the later stamp; contexts and tokens, by which the
 * fabric keeps its promises, it does not look at.
 *
 * <p>A session's <i>floor</i> is, for each key, the newest version that it has read or written; and
 * the floor that the writer of what it has read had then. Nothing that a session is shown may be
 * older than its floor: that is read your writes and monotonic reads of the same key, and monotonic
 * writes and writes follow reads between keys. Whoever is shown nothing, where something was, has
 * seen a deletion: one that is named, or at least the first that can have been it.
 *
 * <p>What is shown must have been written, and of that key.
 */
public final class HistoryChecker {
  private final Map<Integer, Map<String, Version>> floors = new HashMap<>();
  private final Map<Dot, Map<String, Version>> writtenAfter = new HashMap<>();
  private final Map<Dot, String> named = new HashMap<>();
  private final Map<String, List<Event.Wrote>> written = new HashMap<>();
  private final Set<Dot> missedByNobody = new HashSet<>();
  private final Set<String> evicted = new HashSet<>();
  private final Map<String, List<Version>> hiding = new HashMap<>();

  /** Up to which stamp, in wall time, a key may be hidden by something of which nobody was told. */
  private final Map<String, Long> mayBeHiddenUntilMs = new HashMap<>();

  private final Set<String> mayBeWritten = new HashSet<>();
  private final Map<Dot, String> deletedAgain = new HashMap<>();

  /** Keys that somebody has ended; a region deletes by itself only what was ended before. */
  private final Set<String> ended = new HashSet<>();

  private final List<Shown> shown = new ArrayList<>();
  private final List<String> problems = new ArrayList<>();

  private record Shown(Version version, Event.Read by) {}

  private HistoryChecker() {}

  /** What is wrong with a history; empty if nothing is. */
  public static List<String> problemsOf(List<Event> history) {
    var checker = new HistoryChecker();
    for (Event event : history) {
      checker.check(event);
    }
    checker.checkThatItWasWritten();
    return checker.problems;
  }

  private void check(Event event) {
    if (event instanceof Event.Wrote wrote) {
      wrote(wrote);
    } else if (event instanceof Event.MayHaveWritten unknown) {
      mayBeWritten.add(unknown.key());
      if (unknown.hides()) {
        ended.add(unknown.key());
        mayBeHiddenUntilMs.merge(unknown.key(), unknown.untilMs(), Math::max);
      }
    } else if (event instanceof Event.WrittenBefore before) {
      named.put(before.version().dot(), before.key());
      if (before.hides()) {
        ended(before.key(), before.version());
      }
    } else if (event instanceof Event.DeletedAgain again) {
      deletedAgain.put(again.version().dot(), again.key());
      mayHide(again.key(), again.version());
    } else if (event instanceof Event.Read read) {
      read(read);
    } else if (event instanceof Event.SaidToBeDurable durable) {
      durable(durable);
    } else if (event instanceof Event.Returned returned) {
      evicted.remove(returned.region());
    } else if (event instanceof Event.Evicted gone) {
      evicted.add(gone.region());
      // What hides others goes on doing so.
      written
          .values()
          .forEach(
              all ->
                  all.stream()
                      .filter(each -> each.region().equals(gone.region()))
                      .forEach(each -> missedByNobody.add(each.version().dot())));
    }
  }

  private void wrote(Event.Wrote wrote) {
    String before = named.put(wrote.version().dot(), wrote.key());
    if (before != null) {
      problems.add("one dot names two writes: " + wrote + ", and one of " + before);
    }
    written.computeIfAbsent(wrote.key(), none -> new ArrayList<>()).add(wrote);
    if (evicted.contains(wrote.region())) {
      missedByNobody.add(wrote.version().dot());
    }
    if (wrote.hides()) {
      ended(wrote.key(), wrote.version());
    }
    if (wrote.session() == Event.NO_SESSION) {
      return;
    }
    Map<String, Version> floor = floorOf(wrote.session());
    Version newest = floor.get(wrote.key());
    if (newest != null && !wrote.version().isLaterThan(newest)) {
      problems.add(
          "monotonic writes, writes follow reads: " + wrote + " is ordered before " + newest);
    }
    raise(floor, wrote.key(), wrote.version());
    writtenAfter.put(wrote.version().dot(), new HashMap<>(floor));
  }

  private void ended(String key, Version version) {
    ended.add(key);
    mayHide(key, version);
  }

  private void mayHide(String key, Version version) {
    hiding.computeIfAbsent(key, none -> new ArrayList<>()).add(version);
  }

  private Map<String, Version> floorOf(int session) {
    return floors.computeIfAbsent(session, none -> new HashMap<>());
  }

  private static void raise(Map<String, Version> floor, String key, Version version) {
    floor.merge(key, version, (one, two) -> two.isLaterThan(one) ? two : one);
  }

  private void read(Event.Read read) {
    Version shown = read.shown();
    if (shown != null) {
      this.shown.add(new Shown(shown, read));
    }
    if (read.session() != Event.NO_SESSION) {
      Map<String, Version> floor = floorOf(read.session());
      Version newest = floor.get(read.key());
      if (newest != null && isOlder(read.key(), shown, newest)) {
        problems.add(
            "read your writes, monotonic reads, or what was written after what: "
                + read
                + " is older than "
                + newest);
      }
      if (shown != null) {
        raise(floor, read.key(), shown);
        writtenAfter
            .getOrDefault(shown.dot(), Map.of())
            .forEach((key, version) -> raise(floor, key, version));
      } else if (newest != null && !mayBeHidden(read.key(), newest)) {
        hiding(read.key(), newest)
            .reduce((one, two) -> two.isLaterThan(one) ? one : two)
            .ifPresent(deletion -> raise(floor, read.key(), deletion));
      }
    }
    if (read.stalenessNanos() >= 0) {
      checkStaleness(read);
    }
  }

  private void checkStaleness(Event.Read read) {
    long fromNanos = read.endedNanos() - read.stalenessNanos();
    for (Event.Wrote each : written.getOrDefault(read.key(), List.of())) {
      if (each.ackedNanos() - fromNanos <= 0
          && !missedByNobody.contains(each.version().dot())
          && isOlder(read.key(), read.shown(), each.version())) {
        problems.add("staleness: " + read + " lacks " + each);
      }
    }
  }

  /** Whether what was shown cannot be the newest for somebody who knows {@code than}. */
  private boolean isOlder(String key, @Nullable Version shown, Version than) {
    if (shown != null) {
      return !shown.dot().equals(than.dot()) && than.isLaterThan(shown);
    }
    // Nothing is shown: it, or something newer, must have been deleted or have expired.
    return !mayBeHidden(key, than) && hiding(key, than).findAny().isEmpty();
  }

  private boolean mayBeHidden(String key, Version version) {
    return version.stamp().wallMs() <= mayBeHiddenUntilMs.getOrDefault(key, -1L);
  }

  /** What can have hidden a version of a key. */
  private Stream<Version> hiding(String key, Version hidden) {
    return hiding.getOrDefault(key, List.of()).stream()
        .filter(each -> each.dot().equals(hidden.dot()) || each.isLaterThan(hidden));
  }

  /** Whoever reads a write may be heard before its writer is. */
  private void checkThatItWasWritten() {
    for (Shown each : shown) {
      Dot dot = each.version().dot();
      String key = named.getOrDefault(dot, deletedAgain.get(dot));
      String shownAs = each.by().key();
      if (!shownAs.equals(key) && !mayBeWritten.contains(shownAs)) {
        problems.add("nobody wrote it" + (key == null ? "" : ", but as " + key) + ": " + each.by());
      } else if (!named.containsKey(dot)
          && deletedAgain.containsKey(dot)
          && !ended.contains(shownAs)) {
        problems.add("deleted again, but nobody had deleted it: " + each.by());
      }
    }
  }

  private void durable(Event.SaidToBeDurable durable) {
    for (int i = 0; i < durable.where().size(); i++) {
      if (isOlder(durable.key(), durable.known().get(i), durable.written())) {
        problems.add(
            "write concern: " + durable.where().get(i) + " lacks what is durable: " + durable);
      }
    }
  }
}
