package io.metafabric.procs;

import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Version;
import io.metafabric.history.Event;
import io.metafabric.history.HistoryChecker;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Sessions that go from region to region with their tokens, as the parent of the regions' processes
 * sees them: where each is, and the history of what all of them were told. A session whose region
 * is killed goes on elsewhere with the last token that it had told. Thread-safe.
 */
final class Roaming {
  private static final int SESSIONS = 12;

  /** A region that stands still for long is not asked for ever more. */
  private static final int MAX_QUESTIONS = 100;

  /** How a region is told something, if its process is there. */
  interface Regions {
    void tell(String region, String command);
  }

  /** An event, in the place of the history that it belongs to: regions are heard in any order. */
  private record At(long nanos, Event event) {}

  private record Claim(String region, String key, Version written) {}

  private static final class Walker {
    String token = Visits.NEW;
    @Nullable String region;
    // What it tries to write, until it is told.
    @Nullable String key;
    boolean hides;
  }

  private final List<String> names;
  private final Regions regions;
  private final Random random;
  private final Map<Integer, Walker> walkers = new TreeMap<>();
  private final TreeSet<String> up = new TreeSet<>();
  private final List<At> history = new ArrayList<>();
  private final Map<Integer, Claim> questions = new HashMap<>();
  private final Map<Dot, String> values = new HashMap<>();
  private final List<String> problems = new ArrayList<>();
  private boolean going;
  private int asked;
  private int reads;
  private int writes;
  private int durable;

  Roaming(List<String> names, Regions regions, long seed) {
    this.names = names;
    this.regions = regions;
    this.random = new Random(seed);
    for (int i = 1; i <= SESSIONS; i++) {
      walkers.put(i, new Walker());
    }
  }

  /** A region takes visitors from now on. */
  synchronized void up(String region) {
    up.add(region);
    sendAll();
  }

  /** Its process has ended, and all that it said was heard. */
  synchronized void down(String region) {
    up.remove(region);
    questions.values().removeIf(claim -> claim.region().equals(region));
    for (Walker walker : walkers.values()) {
      if (region.equals(walker.region)) {
        mayHaveWritten(walker);
        walker.region = null;
      }
    }
    sendAll();
  }

  private void mayHaveWritten(Walker walker) {
    if (walker.key != null) {
      // Before all else: who sees it may be heard before it is known that nobody knows.
      // All clocks are this machine's; a stamp may be a little ahead of them.
      long untilMs = System.currentTimeMillis() + 1_000;
      history.add(
          new At(Long.MIN_VALUE, new Event.MayHaveWritten(walker.key, walker.hides, untilMs)));
      walker.key = null;
    }
  }

  synchronized void go() {
    going = true;
    sendAll();
  }

  /** No session goes anywhere any more. */
  synchronized void rest() {
    going = false;
  }

  private void sendAll() {
    walkers.forEach(this::send);
  }

  private void send(int number, Walker walker) {
    if (going && walker.region == null && !up.isEmpty()) {
      walker.region = List.copyOf(up).get(random.nextInt(up.size()));
      regions.tell(walker.region, "visit " + number + " " + walker.token);
    }
  }

  /** Whether that was for us. */
  synchronized boolean heard(String region, String[] part) {
    switch (part[0]) {
      case "LEFT" -> left(Integer.parseInt(part[1]), part[2]);
      case "WILL_WRITE", "WILL_DELETE" -> {
        Walker walker = walker(part);
        walker.key = part[2];
        walker.hides = part[0].equals("WILL_DELETE");
      }
      case "DURABLE" -> ask(new Claim(part[1], part[2], KeyState.version(part[3])));
      case "KNOWS" -> answered(Integer.parseInt(part[1]), version(part[2]));
      case "READ_IN_SESSION",
          "READ_FRESH",
          "NOT_KNOWN",
          "WROTE_IN_SESSION",
          "WROTE",
          "MAY_HAVE_DELETED",
          "NOT_WRITTEN" ->
          told(region, part);
      default -> {
        return false;
      }
    }
    return true;
  }

  private Walker walker(String[] part) {
    return walkers.get(Integer.parseInt(part[1]));
  }

  private void left(int number, String token) {
    Walker walker = walkers.get(number);
    walker.token = token;
    walker.region = null;
    send(number, walker);
  }

  private static @Nullable Version version(String text) {
    return text.equals(Visits.NOTHING) ? null : KeyState.version(text);
  }

  private void told(String region, String[] part) {
    Walker walker = walker(part);
    int session = part[0].endsWith("_IN_SESSION") ? Integer.parseInt(part[1]) : Event.NO_SESSION;
    String key = part[2];
    Version version = version(part[3]);
    long begun = Long.parseLong(part[5]);
    long ended = Long.parseLong(part[6]);
    walker.token = part[8];
    if (part[0].startsWith("READ")) {
      reads++;
      long staleness = Long.parseLong(part[7]);
      // It was as old as that when it was made, which was before it was told.
      long atMost = staleness < 0 ? -1 : staleness + (ended - begun);
      history.add(
          new At(ended, new Event.Read(session, region, key, version, begun, ended, atMost)));
    } else if (part[0].startsWith("WROTE")) {
      writes++;
      // Others may read it before its writer is told.
      history.add(new At(begun, new Event.Wrote(session, region, key, version, false, ended)));
    } else if (part[0].equals("MAY_HAVE_DELETED")) {
      mayHaveWritten(walker);
    }
    walker.key = part[0].startsWith("READ") || part[0].equals("NOT_KNOWN") ? walker.key : null;
    requireSameValue(version, part[4]);
  }

  /** One version is one value, whoever reads it. */
  private void requireSameValue(@Nullable Version version, String value) {
    if (version == null || value.equals(Visits.NOTHING)) {
      return;
    }
    String before = values.putIfAbsent(version.dot(), value);
    if (before != null && !before.equals(value)) {
      problems.add(version + " is the value " + before + " and the value " + value);
    }
  }

  /** A region is said to have a write durably. */
  private void ask(Claim claim) {
    long open =
        questions.values().stream().filter(each -> each.region().equals(claim.region())).count();
    if (up.contains(claim.region()) && open < MAX_QUESTIONS) {
      questions.put(++asked, claim);
      regions.tell(claim.region(), "known " + asked + " " + claim.key());
    }
  }

  private void answered(int number, @Nullable Version known) {
    Claim claim = questions.remove(number);
    if (claim != null) {
      durable++;
      var there = new ArrayList<@Nullable Version>();
      there.add(known);
      history.add(
          new At(
              System.nanoTime(),
              new Event.SaidToBeDurable(
                  claim.key(), claim.written(), List.of(claim.region()), there)));
    }
  }

  /** What is wrong with all that was told until now; the history begins anew. */
  synchronized List<String> problems() {
    history.sort(Comparator.comparingLong(At::nanos));
    problems.addAll(HistoryChecker.problemsOf(history.stream().map(At::event).toList()));
    var found = List.copyOf(problems);
    var before = new ArrayList<At>();
    history.forEach(each -> keepWhatIs(each, before));
    history.clear();
    history.addAll(before);
    values.clear();
    problems.clear();
    return found;
  }

  /** What was written may be shown later, too. */
  private static void keepWhatIs(At at, List<At> next) {
    if (at.event() instanceof Event.Wrote wrote) {
      var event = new Event.WrittenBefore(wrote.key(), wrote.version(), wrote.hides());
      next.add(new At(Long.MIN_VALUE, event));
    } else if (at.event() instanceof Event.WrittenBefore
        || at.event() instanceof Event.MayHaveWritten) {
      next.add(at);
    }
  }

  synchronized int told() {
    return reads + writes + durable;
  }

  @Override
  public synchronized String toString() {
    return "sessions in %d regions: %,d reads, %,d writes, %,d said to be durable elsewhere"
        .formatted(names.size(), reads, writes, durable);
  }
}
