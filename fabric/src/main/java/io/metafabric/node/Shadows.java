package io.metafabric.node;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.place.HomeLookup;
import io.metafabric.core.place.Homes;
import io.metafabric.core.port.Clock;
import io.metafabric.core.port.Later;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.Inbound;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.version.Dot;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.MoveOutcome;
import io.metafabric.core.wire.ShadowReason;
import io.metafabric.core.wire.ShadowVerb;
import io.metafabric.replicate.FetchResult;
import io.metafabric.replicate.RebuildStats;
import io.metafabric.replicate.Rebuilding;
import io.metafabric.replicate.Replicator;
import io.metafabric.replicate.ShadowWork;
import io.metafabric.replicate.shadow.ShadowLedger;
import io.metafabric.replicate.shadow.ShadowPlacement;
import io.metafabric.replicate.shadow.ShadowReaders;
import io.metafabric.replicate.shadow.ShadowRules;
import io.metafabric.replicate.shadow.ShadowShelf;
import io.metafabric.replicate.shadow.ShadowStats;
import io.metafabric.replicate.shadow.ShadowTerms;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The shadows of this region, and of those keys whose home it is: who has one, who may, and who is
 * to. A shadow is dropped only after home or backup has said that the payload can be read there.
 *
 * <p>Belongs to the loop, but for what says otherwise.
 */
final class Shadows implements ShadowWork {
  /** A shadow whose payload nobody else is known to have is looked at again after so long. */
  private static final Duration LOOK_AGAIN = Duration.ofSeconds(15);

  /** Leaves end so long after the shadow, which asks for another one while it is read. */
  private static final Duration GRACE = Duration.ofMinutes(1);

  /** How many times its time to live a shadow may live on without asking again. */
  private static final int LEAVE_SPANS = 8;

  /** Looked at in one sweep, each at the price of a small frame. */
  private static final int MAX_DUE = 512;

  /** Beyond that, what went with a region is made again when it is read. */
  private static final int MAX_REMAKES = 4096;

  private static final int MAX_REMAKES_IN_SWEEP = 16;

  /** Of which home or backup may not know; of more the next look at each asks. */
  private static final int MAX_RECLAIMS = 1 << 16;

  /** An entry of a map, a key and terms, without characters. */
  private static final long ENTRY_BYTES = 240;

  private static final long MOST_BYTES = ENTRY_BYTES + 2L * Key.MAX_BYTES;

  /**
   * A shadow that went with its region.
   *
   * @param left how many others there are
   */
  private record Lost(Key key, ShadowTerms terms, int left, double readsPerSecond) {}

  private static final Comparator<Lost> MOST_AT_RISK_FIRST =
      Comparator.comparingInt(Lost::left)
          .thenComparing(Comparator.comparingDouble(Lost::readsPerSecond).reversed())
          .thenComparing(Lost::key);

  private final RegionName region;
  private final RecordStore store;
  private final Replicator replicator;
  private final SerialExecutor loop;
  private final Clock clock;
  private final ShadowShelf shelf;
  private final ShadowLog log;
  private final ShadowLedger ledger = new ShadowLedger();
  private final ShadowReaders readers = new ShadowReaders();
  private final AtomicLong ledgerBytes = new AtomicLong();
  private final AtomicLong readersBytes = new AtomicLong();
  private final Rebuilding rebuilding;
  private final HomeLookup homes;
  private final LocalTiers tiers;
  private final Function<Key, CompletableFuture<@Nullable MetadataRecord>> reader;

  /** What went with a region that was evicted. */
  private final Map<Key, ShadowTerms> remake = new LinkedHashMap<>();

  /** Of which home or backup may not know. */
  private final Set<Key> reclaims = new LinkedHashSet<>();

  private final AtomicLong remakeBytes = new AtomicLong();
  private final AtomicLong reclaimsBytes = new AtomicLong();
  private volatile int outstanding;
  private final AtomicLong remakes = new AtomicLong();
  private final AtomicLong remadeBytes = new AtomicLong();
  private final AtomicLong remakesFailed = new AtomicLong();

  /**
   * @param reader completes with the record, payload included, from wherever it is; with null if
   *     nobody has it
   */
  Shadows(
      RegionName region,
      RecordStore store,
      Replicator replicator,
      SerialExecutor loop,
      Clock clock,
      ShadowShelf shelf,
      ShadowLog log,
      Rebuilding rebuilding,
      HomeLookup homes,
      LocalTiers tiers,
      Function<Key, CompletableFuture<@Nullable MetadataRecord>> reader) {
    this.region = region;
    this.store = store;
    this.replicator = replicator;
    this.loop = loop;
    this.clock = clock;
    this.shelf = shelf;
    this.log = log;
    this.rebuilding = rebuilding;
    this.homes = homes;
    this.tiers = tiers;
    this.reader = reader;
  }

  /**
   * Has so many regions hold the payload of a key. Any thread.
   *
   * @return what became of it in each region that was concerned, on the loop; a single answer of
   *     home or backup if nothing could be done
   */
  CompletableFuture<List<Frame.ShadowAnswer>> make(Key key, int factor, Duration timeToLive) {
    var terms = ShadowTerms.of(ShadowReason.REQUESTED, factor, timeToLive);
    return onLoop(
        () -> isHolder(key) ? makeHere(key, terms) : askHolder(ShadowVerb.MAKE, key, terms, null));
  }

  /** What the regions say of their shadows of a key, this one first. Any thread. */
  CompletableFuture<List<Frame.ShadowAnswer>> tell(Key key) {
    return onLoop(() -> tellAll(key));
  }

  /** Drops the shadows of a key everywhere, where nothing is lost by it. Any thread. */
  CompletableFuture<List<Frame.ShadowAnswer>> drop(Key key) {
    return onLoop(
        () -> {
          var all = new ArrayList<CompletableFuture<List<Frame.ShadowAnswer>>>();
          all.add(dropHere(key).thenApply(List::of));
          for (RegionName other : replicator.members()) {
            all.add(replicator.askShadow(other, ShadowVerb.DROP, key, null, null));
          }
          return together(all);
        });
  }

  private <T> CompletableFuture<T> onLoop(Supplier<CompletableFuture<T>> action) {
    return Later.on(loop, action);
  }

  private static CompletableFuture<List<Frame.ShadowAnswer>> together(
      List<CompletableFuture<List<Frame.ShadowAnswer>>> all) {
    return CompletableFuture.allOf(all.toArray(CompletableFuture<?>[]::new))
        .thenApply(done -> all.stream().flatMap(each -> each.join().stream()).toList());
  }

  private boolean isHolder(Key key) {
    return replicator.isToHold(region, key);
  }

  /** Asks the home, or the backup where the home is silent or thinks that it is none. */
  private CompletableFuture<List<Frame.ShadowAnswer>> askHolder(
      ShadowVerb verb, Key key, @Nullable ShadowTerms terms, @Nullable Dot dot) {
    Homes at = homes.homesOf(key);
    RegionName backup = at.backup();
    return replicator
        .askShadow(at.home(), verb, key, terms, dot)
        .thenCompose(
            said ->
                backup == null || backup.equals(region) || hasSaid(said)
                    ? CompletableFuture.completedFuture(said)
                    : replicator.askShadow(backup, verb, key, terms, dot));
  }

  private static boolean hasSaid(List<Frame.ShadowAnswer> answers) {
    MoveOutcome outcome = outcomeOf(answers);
    return outcome != MoveOutcome.UNREACHABLE && outcome != MoveOutcome.NOT_HOME;
  }

  private static MoveOutcome outcomeOf(List<Frame.ShadowAnswer> answers) {
    // A region that has nothing to say did what was asked.
    return answers.size() == 1 ? answers.get(0).outcome() : MoveOutcome.DONE;
  }

  private Frame.ShadowAnswer answer(MoveOutcome outcome, String message) {
    return new Frame.ShadowAnswer(region, outcome, message, null);
  }

  private CompletableFuture<Frame.ShadowAnswer> answered(MoveOutcome outcome, String message) {
    return CompletableFuture.completedFuture(answer(outcome, message));
  }

  private Frame.ShadowAnswer held(Key key, String message) {
    return new Frame.ShadowAnswer(
        region, MoveOutcome.DONE, message, shelf.facts(key, clock.nanoTime()));
  }

  @Override
  public CompletableFuture<List<Frame.ShadowAnswer>> asked(
      RegionName by, Frame.ShadowRequest request) {
    Key key = request.key();
    var terms = ShadowTerms.said(request.reason(), request.factor(), request.ttlMs());
    return switch (request.verb()) {
      case MAKE ->
          isHolder(key) ? makeHere(key, terms) : CompletableFuture.completedFuture(notHome(key));
      case CLAIM -> CompletableFuture.completedFuture(List.of(claimed(by, key, terms)));
      case END -> CompletableFuture.completedFuture(List.of(ended(by, key, request.dot())));
      case DROP -> dropHere(key).thenApply(List::of);
      case TELL -> CompletableFuture.completedFuture(List.of(told(key)));
    };
  }

  private List<Frame.ShadowAnswer> notHome(Key key) {
    return List.of(
        answer(MoveOutcome.NOT_HOME, "region " + region + " is no home or backup of " + key));
  }

  private Frame.ShadowAnswer told(Key key) {
    return shelf.contains(key) ? held(key, "") : answer(MoveOutcome.NOT_FOUND, "");
  }

  private CompletableFuture<List<Frame.ShadowAnswer>> tellAll(Key key) {
    var all = new ArrayList<CompletableFuture<List<Frame.ShadowAnswer>>>();
    all.add(CompletableFuture.completedFuture(List.of(told(key))));
    for (RegionName other : replicator.members()) {
      all.add(replicator.askShadow(other, ShadowVerb.TELL, key, null, null));
    }
    return together(all);
  }

  /** Of home or backup: the payload goes to as many others as are wanted. */
  private CompletableFuture<List<Frame.ShadowAnswer>> makeHere(Key key, ShadowTerms terms) {
    String problem = problemOf(key);
    if (problem != null) {
      return CompletableFuture.completedFuture(List.of(answer(MoveOutcome.REFUSED, problem)));
    }
    return reader
        .apply(key)
        .thenCompose(
            record -> {
              if (record == null || record.payload() == null) {
                return answered(MoveOutcome.NOT_FOUND, "there is no value of " + key + " to hold")
                    .thenApply(List::of);
              }
              if (!replicator.mayGo(record)) {
                return answered(
                        MoveOutcome.REFUSED,
                        "its value is longer than maxValueBytes, and was written under another")
                    .thenApply(List::of);
              }
              return onLoop(() -> tellAll(key).thenCompose(all -> place(record, terms, all)));
            });
  }

  private @Nullable String problemOf(Key key) {
    if (key.isSystem() || store.conflictRules().of(key).merge() != null) {
      return "every region holds its payload";
    }
    return store.conflictRules().of(key).keepsSiblings()
        ? "siblings are kept of it, and a shadow is of one value"
        : null;
  }

  private CompletableFuture<List<Frame.ShadowAnswer>> place(
      MetadataRecord record, ShadowTerms terms, List<Frame.ShadowAnswer> told) {
    Key key = record.key();
    var silent = new ArrayList<Frame.ShadowAnswer>();
    var having = new TreeSet<RegionName>();
    var others = new TreeSet<RegionName>();
    Map<RegionName, Long> reads = new TreeMap<>(readers.of(key, clock.nanoTime()));
    for (Frame.ShadowAnswer each : told) {
      if (each.region().equals(region) || replicator.isToHold(each.region(), key)) {
        continue; // the key may have moved away from this region meanwhile
      }
      Frame.ShadowFacts facts = each.facts();
      if (each.outcome() == MoveOutcome.UNREACHABLE) {
        silent.add(each);
      } else if (facts != null) {
        having.add(each.region());
        reads.merge(each.region(), facts.hits(), Long::sum);
      } else {
        others.add(each.region());
      }
    }
    Homes at = homes.homesOf(key);
    var holding = new TreeSet<RegionName>(having);
    holding.add(at.home());
    RegionName backup = at.backup();
    if (backup != null) {
      holding.add(backup);
    }
    var order = new ArrayList<RegionName>(having);
    order.addAll(placement().order(others, holding, reads));
    int wanted = terms.factor() - homesIn(at);
    return makeSome(record, terms, order, wanted, new ArrayList<>(), silent);
  }

  private ShadowPlacement placement() {
    return new ShadowPlacement(
        region,
        (from, to) ->
            from.equals(region) ? rttMs(to) : to.equals(region) ? rttMs(from) : Double.NaN);
  }

  private double rttMs(RegionName other) {
    return replicator.isPeer(other) ? replicator.rttMs(other) : Double.NaN;
  }

  private static int homesIn(Homes at) {
    return at.backup() == null ? 1 : 2;
  }

  /** One region after the other until there are as many as are wanted. */
  private CompletableFuture<List<Frame.ShadowAnswer>> makeSome(
      MetadataRecord record,
      ShadowTerms terms,
      List<RegionName> order,
      int wanted,
      List<Frame.ShadowAnswer> done,
      List<Frame.ShadowAnswer> silent) {
    long made = done.stream().filter(each -> each.outcome() == MoveOutcome.DONE).count();
    if (made >= wanted || order.isEmpty()) {
      if (made < wanted) {
        // Only then does it matter who could not be asked.
        done.addAll(silent);
      }
      return CompletableFuture.completedFuture(List.copyOf(done));
    }
    RegionName next = order.get(0);
    return replicator
        .askToHoldShadow(next, record, terms)
        .thenCompose(
            answers -> {
              for (Frame.ShadowAnswer each : answers) {
                noteMade(record.key(), each, terms);
                done.add(each);
              }
              return makeSome(record, terms, order.subList(1, order.size()), wanted, done, silent);
            });
  }

  private void noteMade(Key key, Frame.ShadowAnswer answer, ShadowTerms terms) {
    if (answer.outcome() == MoveOutcome.DONE) {
      giveLeave(key, answer.region(), terms);
    }
    log.add(
        key,
        "shadow in "
            + answer.region()
            + ", "
            + terms.reason()
            + ": "
            + answer.outcome()
            + (answer.message().isEmpty() ? "" : ", " + answer.message()));
  }

  @Override
  public boolean hasShadow(Key key, RegionName by) {
    return ledger.of(key, clock.nanoTime()).contains(by);
  }

  private void giveLeave(Key key, RegionName to, ShadowTerms terms) {
    long spanNanos = LEAVE_SPANS * terms.ttlNanos() + GRACE.toNanos();
    ledger.add(key, to, terms, clock.nanoTime() + spanNanos);
    ledgerBytes.set(ledger.estimatedBytes());
    replicator.hasCopy(key, to);
  }

  private Frame.ShadowAnswer claimed(RegionName by, Key key, ShadowTerms terms) {
    if (!isHolder(key)) {
      return notHome(key).get(0);
    }
    String problem = problemOf(key);
    if (problem != null) {
      return answer(MoveOutcome.REFUSED, problem);
    }
    Set<RegionName> having = new HashSet<>(ledger.of(key, clock.nanoTime()));
    having.remove(by);
    // What nobody can read there now is made up for; of too many the next look ends one.
    having.removeIf(other -> !replicator.isTrusted(other));
    int there = homesIn(homes.homesOf(key)) + having.size();
    if (there >= terms.factor()) {
      return answer(
          MoveOutcome.REFUSED,
          "the shadowing factor is " + terms.factor() + ", and " + there + " regions hold it");
    }
    giveLeave(key, by, terms);
    return answer(MoveOutcome.DONE, "");
  }

  /** Whether the payload of that version, or of one that covers it, is here. */
  private Frame.ShadowAnswer ended(RegionName by, Key key, @Nullable Dot dot) {
    if (!isHolder(key)) {
      return notHome(key).get(0);
    }
    if (dot == null || !isReadableHere(key, dot)) {
      return answer(
          MoveOutcome.REFUSED, "region " + region + " does not hold the payload of " + key);
    }
    ledger.remove(key, by);
    ledgerBytes.set(ledger.estimatedBytes());
    replicator.hasNoCopy(key, by);
    return answer(MoveOutcome.DONE, "");
  }

  private boolean isReadableHere(Key key, Dot dot) {
    try {
      MetadataRecord record = store.read(key);
      return record != null
          && record.header().version().covers(dot)
          && (record.payload() != null || !record.header().isVisibleAt(clock.wallMs()));
    } catch (StorageException e) {
      // What cannot be read here is not held here.
      return false;
    }
  }

  @Override
  public CompletableFuture<Frame.ShadowAnswer> hold(MetadataRecord record, ShadowTerms terms) {
    Key key = record.key();
    String problem = isHolder(key) ? "it is home or backup of it" : problemOf(key);
    if (problem != null || record.payload() == null || record.hasSiblings()) {
      return answered(MoveOutcome.REFUSED, problem == null ? "it came without a payload" : problem);
    }
    if (store.isTooFarAhead(record)) {
      return answered(MoveOutcome.REFUSED, String.valueOf(store.tooFarAhead(key).getMessage()));
    }
    return store
        .applyOne(new Inbound(record, false))
        .thenCompose(news -> onLoop(() -> put(record, terms)));
  }

  private CompletableFuture<Frame.ShadowAnswer> put(MetadataRecord record, ShadowTerms terms) {
    Key key = record.key();
    Header known = headerHere(key);
    if (known == null || !known.version().dot().equals(record.header().version().dot())) {
      return answered(MoveOutcome.REFUSED, "something newer is known in " + region);
    }
    if (!shelf.put(record, terms, clock.nanoTime())) {
      ShadowStats stats = shelf.stats();
      return answered(
          MoveOutcome.REFUSED,
          stats.bytes() + " of " + stats.maxBytes() + " bytes for shadows are taken in " + region);
    }
    log.add(key, "shadow here, " + terms.reason() + ", for " + Duration.ofNanos(terms.ttlNanos()));
    return CompletableFuture.completedFuture(held(key, ""));
  }

  /** Null also if it cannot be read now. */
  private @Nullable Header headerHere(Key key) {
    try {
      return store.header(key);
    } catch (StorageException e) {
      return null;
    }
  }

  @Override
  public void fetched(Key key, RegionName by) {
    readers.fetched(key, by, clock.nanoTime());
    readersBytes.set(readers.estimatedBytes());
  }

  private CompletableFuture<Frame.ShadowAnswer> dropHere(Key key) {
    MetadataRecord held = shelf.get(key);
    return held == null
        ? answered(MoveOutcome.NOT_FOUND, "")
        : end(key, held.header().version().dot(), true);
  }

  /** Asks whether the payload can be read elsewhere, and drops it then. */
  private CompletableFuture<Frame.ShadowAnswer> end(Key key, Dot dot, boolean byRequest) {
    return elsewhere(key, dot)
        .thenCompose(
            said ->
                onLoop(
                    () -> {
                      Frame.ShadowAnswer first = firstOf(said);
                      if (first.outcome() != MoveOutcome.DONE) {
                        shelf.putOff(key, clock.nanoTime(), LOOK_AGAIN.toNanos());
                        String why =
                            "it stays, as nobody says that the payload is elsewhere: "
                                + first.message();
                        log.add(key, why);
                        return answered(MoveOutcome.REFUSED, why);
                      }
                      boolean ended = shelf.end(key, dot, byRequest);
                      if (ended) {
                        tiers.drop(key);
                      }
                      log.add(key, byRequest ? "shadow dropped" : "shadow expired");
                      return answered(
                          ended ? MoveOutcome.DONE : MoveOutcome.REFUSED,
                          ended ? "" : "a newer payload came meanwhile");
                    }));
  }

  private CompletableFuture<List<Frame.ShadowAnswer>> elsewhere(Key key, Dot dot) {
    Header known;
    try {
      known = store.header(key);
    } catch (StorageException e) {
      // Whether it is of use is not known then, so it stays.
      return CompletableFuture.completedFuture(
          List.of(answer(MoveOutcome.REFUSED, "what is known of it cannot be read here now")));
    }
    boolean readable = known != null && known.isVisibleAt(clock.wallMs());
    if (!readable || isHolder(key)) {
      // As home or backup by now it may need it itself.
      boolean safe = !readable || isReadableHere(key, dot);
      return CompletableFuture.completedFuture(
          List.of(
              answer(
                  safe ? MoveOutcome.DONE : MoveOutcome.REFUSED,
                  safe ? "" : "this region is to hold it, and has nothing else")));
    }
    return askHolder(ShadowVerb.END, key, null, dot);
  }

  /** Asks for leave to have one, or to keep it; completes with what home or backup says. */
  CompletableFuture<Frame.ShadowAnswer> claim(Key key, ShadowTerms terms, @Nullable Dot dot) {
    return askHolder(ShadowVerb.CLAIM, key, terms, dot).thenApply(this::firstOf);
  }

  /** A peer that errs may answer for nobody. */
  private Frame.ShadowAnswer firstOf(List<Frame.ShadowAnswer> said) {
    return said.isEmpty()
        ? answer(MoveOutcome.REFUSED, "home or backup answered without saying anything")
        : said.get(0);
  }

  /** By leave of the home: keeps what was read here, or fetches it. */
  void take(Key key, ShadowTerms terms) {
    MetadataRecord here;
    try {
      here = tiers.find(key);
    } catch (StorageException e) {
      log.add(key, "no shadow is made: what is known of it cannot be read: " + e.getMessage());
      return;
    }
    if (here != null && here.payload() != null) {
      put(here.alone(), terms);
    } else if (here != null && here.header().isVisibleAt(clock.wallMs())) {
      replicator
          .fetch(key, here.header())
          .thenAccept(
              result -> {
                if (result instanceof FetchResult.Found found) {
                  hold(found.record().alone(), terms);
                }
              });
    }
  }

  /**
   * Looks at those whose time has come: what was read lives on by leave of the home, what was not
   * ends.
   */
  void sweep(ShadowRules rules) {
    long nowNanos = clock.nanoTime();
    remakeSome();
    reclaimSome();
    for (ShadowShelf.Due due : shelf.due(nowNanos, MAX_DUE)) {
      Key key = due.key();
      if (due.used() && !isHolder(key)) {
        claim(key, termsNow(due, rules), due.dot())
            .thenAccept(said -> loop.execute(() -> renew(due, said)));
      } else {
        fade(due);
      }
    }
  }

  /** What was asked for by name keeps its factor; else the rules may be others by now. */
  private static ShadowTerms termsNow(ShadowShelf.Due due, ShadowRules rules) {
    ShadowTerms terms = due.terms();
    return terms.reason() == ShadowReason.REQUESTED
        ? terms
        : terms.withFactor(rules.ruleFor(due.key().path(), terms.client()).factor());
  }

  private void renew(ShadowShelf.Due due, Frame.ShadowAnswer said) {
    // While nobody answers it is of more use than ever.
    if (said.outcome() == MoveOutcome.REFUSED) {
      log.add(due.key(), "shadow is not renewed: " + said.message());
      fade(due);
    } else {
      shelf.livesOn(due.key(), clock.nanoTime());
    }
  }

  private void fade(ShadowShelf.Due due) {
    if (shelf.fades(due.key(), clock.nanoTime())) {
      end(due.key(), due.dot(), false);
    }
  }

  /**
   * The cluster is another one, or a home was moved: what this region is to hold by now goes to the
   * journal, and a home that does not know of a shadow is told.
   */
  void rehomed(Set<RegionName> evicted) {
    shelf.keys().forEach(this::rehomed);
    remake.putAll(ledger.lost(evicted));
    ledgerBytes.set(ledger.estimatedBytes());
    while (remake.size() > MAX_REMAKES) {
      remake.remove(remake.keySet().iterator().next());
      remakesFailed.incrementAndGet();
    }
    outstanding = remake.size();
    remakeBytes.set(remake.keySet().stream().mapToLong(Shadows::bytesOf).sum());
  }

  void rehomed(Key key) {
    promote(key);
    boolean isNews = reclaims.size() < MAX_RECLAIMS && shelf.contains(key) && !isHolder(key);
    if (isNews && reclaims.add(key)) {
      reclaimsBytes.addAndGet(bytesOf(key));
    }
  }

  /** Of an entry of a map by key, by estimate. */
  private static long bytesOf(Key key) {
    return ENTRY_BYTES + 2L * key.utf8Length();
  }

  /** A region that was away is back: if it is a home, it may have begun anew. */
  void reachedAgain() {
    shelf.keys().forEach(this::rehomed);
  }

  private void reclaimSome() {
    for (int i = 0; i < MAX_DUE && !reclaims.isEmpty(); i++) {
      Key key = reclaims.iterator().next();
      reclaims.remove(key);
      reclaimsBytes.addAndGet(-bytesOf(key));
      ShadowTerms terms = shelf.terms(key);
      MetadataRecord held = shelf.get(key);
      if (terms != null && held != null && !isHolder(key)) {
        // Refused or not, it ends in its own time.
        claim(key, terms, held.header().version().dot());
      }
    }
  }

  /** Shadows that went with a region: those first of which fewest are left, then what is read. */
  private void remakeSome() {
    // Looked up once each: leaves end and rates change while it is sorted.
    List<Lost> first =
        remake.entrySet().stream()
            .map(
                each ->
                    new Lost(
                        each.getKey(),
                        each.getValue(),
                        ledger.of(each.getKey(), clock.nanoTime()).size(),
                        rebuilding.readsPerSecond(each.getKey())))
            .sorted(MOST_AT_RISK_FIRST)
            .limit(MAX_REMAKES_IN_SWEEP)
            .toList();
    for (Lost each : first) {
      Key key = each.key();
      int payloadBytes;
      try {
        Header header = store.header(key);
        payloadBytes = header == null ? 0 : header.payloadBytes();
      } catch (StorageException e) {
        continue; // until it can be read
      }
      // It is sent to those that have one too.
      int sent = isHolder(key) ? each.terms().factor() - homesIn(homes.homesOf(key)) : 0;
      if (sent > 0 && !rebuilding.take((long) sent * payloadBytes)) {
        return;
      }
      remake.remove(key);
      remakeBytes.addAndGet(-bytesOf(key));
      outstanding = remake.size();
      if (sent > 0) {
        makeHere(key, each.terms()).thenAccept(answers -> remade(answers, payloadBytes));
      }
    }
  }

  private void remade(List<Frame.ShadowAnswer> answers, int payloadBytes) {
    for (Frame.ShadowAnswer each : answers) {
      if (each.outcome() == MoveOutcome.DONE) {
        remakes.incrementAndGet();
        remadeBytes.addAndGet(payloadBytes);
      } else {
        remakesFailed.incrementAndGet();
      }
    }
  }

  /** Of shadows that went with regions that were evicted. Any thread. */
  RebuildStats rebuildStats() {
    return new RebuildStats(outstanding, remakes.get(), remadeBytes.get(), remakesFailed.get());
  }

  private void promote(Key key) {
    MetadataRecord held = shelf.get(key);
    try {
      if (held != null
          && isHolder(key)
          && !store.holdsPayload(key)
          && store.isCurrent(key, held.header().version().dot())) {
        store.keep(held);
        log.add(key, "its shadow went to the journal: this region is home or backup now");
      }
    } catch (StorageException e) {
      // It stays a shadow for as long as nothing else can be read here.
      log.add(key, "its shadow is not in the journal: what is known of it cannot be read: " + e);
    }
  }

  /** Nothing of it can be read any more. Any thread. */
  void gone(Key key) {
    MetadataRecord held = shelf.get(key);
    if (held != null) {
      loop.execute(() -> end(key, held.header().version().dot(), false));
    }
  }

  ShadowStats stats() {
    return shelf.stats();
  }

  List<MemoryUse> memory() {
    ShadowStats stats = shelf.stats();
    return List.of(
        new MemoryUse("shadows", stats.bytes(), stats.maxBytes()),
        new MemoryUse("who has shadows", ledgerBytes.get(), ShadowLedger.MAX_BYTES),
        new MemoryUse("shadows to be made again", remakeBytes.get(), MAX_REMAKES * MOST_BYTES),
        new MemoryUse("shadows to be claimed", reclaimsBytes.get(), MAX_RECLAIMS * MOST_BYTES),
        new MemoryUse("who reads what", readersBytes.get(), ShadowReaders.MAX_BYTES),
        new MemoryUse("decisions on shadows", log.retainedBytes(), ShadowLog.MAX_BYTES));
  }
}
