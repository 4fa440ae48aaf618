package io.metafabric.simulation;

import io.metafabric.core.access.AccessEvent.Outcome;
import io.metafabric.core.error.FabricClosedException;
import io.metafabric.core.error.FabricException;
import io.metafabric.core.error.NotReplicatedException;
import io.metafabric.core.error.StalenessException;
import io.metafabric.core.place.WriteConcern;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.session.Dependencies;
import io.metafabric.core.session.TokenFormat;
import io.metafabric.core.session.WriteConcernException;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Version;
import io.metafabric.history.Event;
import io.metafabric.history.HistoryChecker;
import io.metafabric.node.FabricNode;
import io.metafabric.node.FreshReads;
import io.metafabric.node.ReadOutcome;
import io.metafabric.node.SessionState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * People who read and write now here, now there, and carry a token along; and the history of what
 * they, and all others, were told. When a disk is lost, or an older one is given, nothing that was
 * promised before holds: then all begin anew, with another history.
 */
final class Travellers {
  static final int COUNT = 4;

  private static final Duration TIMEOUT = Duration.ofSeconds(3);

  private static final class Traveller {
    byte[] token;
    boolean waits;
    int number;
    @Nullable Key last;

    /** Of what is done: one thing after the other. */
    int turn;

    Traveller(int number) {
      this.number = number;
      this.token = encode(Dependencies.NONE);
    }

    /** As whoever takes a token makes it. */
    SessionState session() {
      return new SessionState(TokenFormat.decode(token).dependencies());
    }

    int begins() {
      waits = true;
      return ++turn;
    }

    /** Returns whether that was still waited for; then something else may begin. */
    boolean ends(int begun) {
      boolean waited = waits && turn == begun;
      waits &= !waited;
      return waited;
    }
  }

  private final Simulation run;
  private final List<Traveller> all = new ArrayList<>();
  private List<Event> history = new ArrayList<>();
  private int sessions;
  private int age;
  private int said;

  Travellers(Simulation run) {
    this.run = run;
    for (int i = 0; i < COUNT; i++) {
      all.add(new Traveller(++sessions));
    }
  }

  private static byte[] encode(Dependencies dependencies) {
    return TokenFormat.encode("test", dependencies, null);
  }

  /** Nothing that was promised holds any more. */
  void beginAnew() {
    check();
    var next = new ArrayList<Event>();
    history.forEach(event -> keepWhatIs(event, next));
    history = next;
    age++;
    all.forEach(this::forget);
  }

  /** What was written before may be shown, or hide others, and whoever was evicted is so. */
  private static void keepWhatIs(Event event, List<Event> next) {
    if (event instanceof Event.Wrote wrote) {
      next.add(new Event.WrittenBefore(wrote.key(), wrote.version(), wrote.hides()));
    } else if (event instanceof Event.WrittenBefore
        || event instanceof Event.MayHaveWritten
        || event instanceof Event.DeletedAgain
        || event instanceof Event.Evicted
        || event instanceof Event.Returned) {
      next.add(event);
    }
  }

  private void forget(Traveller traveller) {
    traveller.token = encode(Dependencies.NONE);
    traveller.number = ++sessions;
    traveller.last = null;
    traveller.waits = false;
  }

  /** What has been written by whomever. */
  void wrote(Site site, Write write) {
    wrote(Event.NO_SESSION, site, write);
  }

  private void wrote(int session, Site site, Write write) {
    Header header = write.header;
    if (!maySpeak(site)) {
      mayHaveWritten(write);
    } else if (header != null && run.keys().contains(write.key)) {
      history.add(
          new Event.Wrote(
              session,
              site.name(),
              write.key.path(),
              header.version(),
              Ledger.isMortal(header),
              run.world().nanoTime()));
    }
  }

  /** It may be there, or may come to be. */
  void mayHaveWritten(Write write) {
    boolean hides = write.payload == null || write.expiresAtMs != Header.NEVER;
    history.add(new Event.MayHaveWritten(write.key.path(), hides, untilMs(write)));
  }

  /** Up to when a write can be stamped; by clocks that agree, not later than it was made. */
  private long untilMs(Write write) {
    Header header = write.header;
    if (header != null) {
      return header.version().stamp().wallMs();
    }
    boolean clocksJump = run.setting().weather().containsKey(Fault.CLOCK_JUMP);
    return clocksJump ? Long.MAX_VALUE : write.madeUntilMs;
  }

  void evicted(RegionName region) {
    history.add(new Event.Evicted(region.name()));
  }

  void returned(RegionName region) {
    history.add(new Event.Returned(region.name()));
  }

  void check() {
    List<String> problems = HistoryChecker.problemsOf(history);
    if (!problems.isEmpty()) {
      run.violation(problems.get(0), null);
    }
  }

  /** How often somebody was told something that is checked. */
  int said() {
    return said;
  }

  /** Whoever was taken out of the cluster, and does not know yet, promises nothing. */
  private boolean maySpeak(Site site) {
    return site.isUp() && site.isAdmitted();
  }

  /** Whoever does know shows nobody what is older than what he has seen. */
  private boolean mayBeRead(Site site) {
    return site.isUp() && (site.isAdmitted() || site.knowsThatItIsNot());
  }

  /** Whoever is drawn, or the next who does not wait for something; null if all do. */
  private @Nullable Traveller idle(int drawn) {
    for (int i = 0; i < COUNT; i++) {
      Traveller candidate = all.get((drawn + i) % COUNT);
      if (!candidate.waits) {
        return candidate;
      }
    }
    return null;
  }

  void read(int who, Site site, Key key) {
    Traveller traveller = idle(who);
    site.observe(key);
    if (traveller == null || !mayBeRead(site)) {
      site.read("nobody", key);
      return;
    }
    run.begins();
    SessionState session = traveller.session();
    FabricNode<MetadataRecord> node = site.node();
    long askedNanos = run.world().nanoTime();
    var shown = new ReadOutcome[1];
    whenDone(
        traveller,
        site,
        () ->
            session
                .readyToRead(node, key, TIMEOUT)
                .thenCompose(ready -> readNow(node, "traveller " + who, key))
                .thenApply(
                    outcome -> {
                      shown[0] = outcome;
                      return outcome;
                    }),
        (outcome, failure) -> {
          Version version = outcome == null ? null : versionOf(node, key, outcome);
          if (outcome instanceof ReadOutcome.Value || outcome instanceof ReadOutcome.Absent) {
            said++;
            noteDeletion(node, key, version);
            history.add(
                new Event.Read(
                    traveller.number,
                    site.name(),
                    key.path(),
                    version,
                    askedNanos,
                    run.world().nanoTime(),
                    -1));
            boolean isValue = outcome instanceof ReadOutcome.Value;
            session.wasShown(node, key, isValue ? version : null);
            traveller.token = encode(session.compacted(node));
            traveller.last = key;
          } else if (failure instanceof NotReplicatedException) {
            forget(traveller);
          }
          long result = shown[0] == null ? 0 : shown[0].getClass().getSimpleName().hashCode();
          run.ended("session read", site.region(), key.hashCode(), result);
        });
  }

  /**
   * All who wait for nothing have their tokens made anew in a member, where they name nothing that
   * all members have, and read what they have seen last in an evicted region.
   */
  void visit(Site evicted) {
    Optional<Site> member =
        run.sites().stream().filter(site -> site.isUp() && site.isAdmitted()).findFirst();
    for (int who = 0; who < COUNT && member.isPresent() && mayBeRead(evicted); who++) {
      Traveller traveller = all.get(who);
      Key key = traveller.last;
      if (!traveller.waits && key != null) {
        traveller.token = encode(traveller.session().compacted(member.get().node()));
        read(who, evicted, key);
      }
    }
  }

  private static CompletableFuture<ReadOutcome> readNow(
      FabricNode<MetadataRecord> node, String client, Key key) {
    Optional<MetadataRecord> hit = node.hit(client, key.path());
    return hit != null
        ? CompletableFuture.completedFuture(new ReadOutcome.Value(hit.orElseThrow(), Outcome.HOT))
        : node.read(client, key)
            .whenComplete(
                (outcome, failure) -> {
                  if (outcome != null) {
                    node.finished(client, key, outcome);
                  }
                });
  }

  /** Where disks are lost, a deletion that is shown may be one that a region made by itself. */
  private void noteDeletion(FabricNode<MetadataRecord> node, Key key, @Nullable Version shown) {
    Header known = node.store().header(key);
    if (shown != null
        && known != null
        && known.isTombstone()
        && known.version().dot().equals(shown.dot())
        && Losers.mayLoseDisks(run.setting())) {
      history.add(new Event.DeletedAgain(key.path(), shown));
    }
  }

  private static @Nullable Version versionOf(
      FabricNode<MetadataRecord> node, Key key, ReadOutcome outcome) {
    if (outcome instanceof ReadOutcome.Value value) {
      return value.record().header().version();
    }
    Header known = outcome instanceof ReadOutcome.Absent ? node.store().header(key) : null;
    return known == null ? null : known.version();
  }

  /**
   * @param bytes 0 deletes
   */
  void write(int who, Site site, Key key, int bytes) {
    Traveller traveller = idle(who);
    site.observe(key);
    if (traveller == null || !maySpeak(site)) {
      site.read("nobody", key);
      return;
    }
    SessionState session = traveller.session();
    FabricNode<MetadataRecord> node = site.node();
    whenDone(
        traveller,
        site,
        () -> session.readyToWrite(node, TIMEOUT),
        (after, failure) -> {
          if (after != null && site.isWritable()) {
            writeNow(traveller, session, site, key, bytes, after);
            return;
          }
          run.begins();
          if (failure instanceof NotReplicatedException) {
            forget(traveller);
          }
        });
  }

  private void writeNow(
      Traveller traveller,
      SessionState session,
      Site site,
      Key key,
      int bytes,
      Dependencies after) {
    FabricNode<MetadataRecord> node = site.node();
    Write write = run.ledger().begin(key, bytes, Header.NEVER);
    int turn = begins(traveller);
    site.writeAs(
        write,
        () -> SessionState.write(node, key, write.payload, after),
        header -> {
          if (traveller.ends(turn)) {
            said++;
            wrote(traveller.number, site, write);
            session.saw(key, header.version());
            traveller.token = encode(session.seen());
            traveller.last = key;
          } else {
            wrote(Event.NO_SESSION, site, write);
          }
        },
        () -> traveller.ends(turn));
  }

  /** A read that is to be no older than that. */
  void readFresh(Site site, Key key, Duration maxAge) {
    site.observe(key);
    if (!mayBeRead(site)) {
      site.read("nobody", key);
      return;
    }
    run.begins();
    FabricNode<MetadataRecord> node = site.node();
    long askedNanos = run.world().nanoTime();
    whenDone(
        null,
        site,
        () -> node.guarantees().freshReads().read(null, key, maxAge, TIMEOUT),
        (FreshReads.Answer answer, Throwable failure) -> {
          if (answer != null) {
            said++;
            if (answer.ageNanos() > maxAge.toNanos()) {
              run.violation(answer + " is older than " + maxAge, null);
            }
            Header header = answer.version();
            noteDeletion(node, key, header == null ? null : header.version());
            history.add(
                new Event.Read(
                    Event.NO_SESSION,
                    site.name(),
                    key.path(),
                    header == null ? null : header.version(),
                    askedNanos,
                    run.world().nanoTime(),
                    answer.ageNanos()));
          }
          run.ended("fresh read", site.region(), key.hashCode(), answer == null ? 0 : 1);
        });
  }

  void writeDurably(Site site, Key key, int bytes, WriteConcern concern) {
    site.observe(key);
    if (!maySpeak(site)) {
      site.read("nobody", key);
      return;
    }
    FabricNode<MetadataRecord> node = site.node();
    Write write = run.ledger().begin(key, bytes, Header.NEVER);
    site.writeAs(
        write,
        () -> node.write(key, write.payload, Header.NEVER, Precondition.NONE),
        header -> {
          wrote(site, write);
          whenDone(
              null,
              site,
              () ->
                  node.guarantees()
                      .acknowledgements()
                      .durable(key, header.version(), concern, TIMEOUT),
              (done, failure) -> {
                List<RegionName> where = durableIn(site, key, header, concern, failure);
                saidToBeDurable(site, key, header, where);
                run.ended("durable", site.region(), key.hashCode(), failure == null ? 1 : 0);
              });
        },
        () -> {});
  }

  private List<RegionName> durableIn(
      Site site, Key key, Header header, WriteConcern concern, @Nullable Throwable failure) {
    if (failure instanceof WriteConcernException late) {
      return late.durableIn().stream().map(RegionName::new).toList();
    }
    if (failure != null || concern != WriteConcern.HOME_AND_BACKUP) {
      return List.of();
    }
    var where = new ArrayList<RegionName>();
    var homes = site.node().homesOf(key);
    where.add(homes.home());
    if (homes.backup() != null) {
      where.add(homes.backup());
    }
    return where;
  }

  private void saidToBeDurable(Site by, Key key, Header header, List<RegionName> where) {
    var regions = new ArrayList<String>();
    var known = new ArrayList<@Nullable Version>();
    for (Site other : run.sites()) {
      boolean isAsSaid = other == by || !other.mayBeMisjudgedBy(by);
      if (where.contains(other.region()) && maySpeak(other) && isAsSaid) {
        Site.Look there = other.look(key);
        if (there.isSeen()) {
          regions.add(other.name());
          known.add(there.header() == null ? null : there.header().version());
        }
      }
    }
    said++;
    history.add(new Event.SaidToBeDurable(key.path(), header.version(), regions, known));
  }

  /** Once it is said, the region needs nothing more to go on with the session. */
  void awaitReplicated(int who, Site site, Site other) {
    Traveller traveller = idle(who);
    if (traveller == null || !maySpeak(site)) {
      return;
    }
    run.begins();
    Dependencies needs = TokenFormat.decode(traveller.token).dependencies();
    FabricNode<MetadataRecord> node = site.node();
    int begun = age;
    whenDone(
        traveller,
        site,
        () -> node.guarantees().acknowledgements().replicated(needs, other.region(), TIMEOUT),
        (done, failure) -> {
          if (failure == null && age == begun && maySpeak(other)) {
            said++;
            List<Dot> lacking = lackedBy(other, needs);
            if (!lacking.isEmpty() && !other.mayBeMisjudgedBy(site)) {
              String what = lacking + " of " + needs + ", as " + site + " says";
              run.violation(other + " is said to have, and lacks, " + what, null);
            }
          }
          run.ended("replicated", site.region(), who, failure == null ? 1 : 0);
        });
  }

  private static List<Dot> lackedBy(Site site, Dependencies needs) {
    var lacking = new ArrayList<Dot>();
    needs
        .all()
        .forEach(
            (actor, counter) -> {
              var dot = new Dot(actor, counter);
              if (!site.node().store().isApplied(dot)) {
                lacking.add(dot);
              }
            });
    return lacking;
  }

  /** What takes too long is done by nobody: a region that ends takes its answer along. */
  private int begins(Traveller traveller) {
    int turn = traveller.begins();
    run.world().after(TIMEOUT.plusSeconds(1), "a traveller goes on", () -> traveller.ends(turn));
    return turn;
  }

  private interface Call<T> {
    CompletableFuture<T> begin();
  }

  /** Unless the process has ended meanwhile, or nothing counts any more. */
  private <T> void whenDone(
      @Nullable Traveller traveller,
      Site site,
      Call<T> call,
      BiConsumer<@Nullable T, @Nullable Throwable> then) {
    int life = site.machine().life();
    int begun = age;
    int turn = traveller == null ? 0 : begins(traveller);
    CompletableFuture<T> future;
    try {
      future = call.begin();
    } catch (FabricException e) {
      future = CompletableFuture.failedFuture(e);
    }
    future.whenComplete(
        (result, failure) -> {
          if (site.machine().life() != life || age != begun) {
            return;
          }
          if (traveller != null && !traveller.ends(turn)) {
            return;
          }
          Throwable cause = failure == null ? null : Site.causeOf(failure);
          if (cause != null && !isExpected(cause) && !site.mayFailToRead(cause)) {
            run.violation("what a traveller did in " + site + " failed", cause);
          }
          then.accept(result, cause);
        });
  }

  private static boolean isExpected(Throwable failure) {
    return failure instanceof NotReplicatedException
        || failure instanceof FabricClosedException
        || failure instanceof StalenessException
        || failure instanceof WriteConcernException;
  }
}
