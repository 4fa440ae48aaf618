package io.metafabric.replicate;

import io.metafabric.core.port.Clock;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.store.LastWriterWins;
import io.metafabric.core.version.Dot;
import io.metafabric.core.wire.Frame;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * Asks other regions for payloads: one region after the other for a read that waits, and all that
 * are left at last; many keys at once for a prefetch. Whoever is not likely to answer is asked
 * beside the next, not before it: a region that falls silent, or out of trust, is waited for no
 * longer. A read whose answer is late asks a second region too ({@link Hedges}). Belongs to the
 * loop.
 */
final class Fetches {
  /** Of heap, by estimate, for the keys that prefetches are under way for. */
  static final int MAX_PREFETCHING_BYTES = 4 * 1024 * 1024;

  /** What a key takes here beside its own bytes: who asks, its futures, its place in three maps. */
  static final int PREFETCH_OVERHEAD_BYTES = 600;

  /** What a payload is asked for. */
  enum Purpose {
    /** Somebody waits. */
    READ,
    /** This region is to hold it; nobody waits. */
    KEEPING,
    /** Somebody may want it. */
    PREFETCH
  }

  /** One key that is being asked for, and who is left to ask. */
  private static final class Asked {
    final Key key;
    final @Nullable Dot atLeast;
    final RegionName home;
    final List<RegionName> candidates;
    final Set<RegionName> lastResort;
    final Purpose purpose;
    final CompletableFuture<FetchResult> result = new CompletableFuture<>();

    /** Who was asked, once each. */
    final List<RegionName> asked = new ArrayList<>(2);

    /** Of these who has not answered, and is likely to. */
    final List<RegionName> waitsFor = new ArrayList<>(2);

    int next;
    int underWay;
    boolean askedAll;
    SerialExecutor.@Nullable Task lateTimer;
    @Nullable RegionName hedge;
    boolean anyAnswered;
    boolean homeAnswered;
    boolean unknownToBackup;
    long request;
    boolean hurried;
    FetchResult.@Nullable Superseded older;

    Asked(
        Key key,
        @Nullable Dot atLeast,
        RegionName home,
        List<RegionName> candidates,
        Set<RegionName> lastResort,
        Purpose purpose) {
      this.key = key;
      this.atLeast = atLeast;
      this.home = home;
      this.candidates = new ArrayList<>(candidates);
      this.lastResort = lastResort;
      this.purpose = purpose;
    }

    boolean isPrefetch() {
      return purpose == Purpose.PREFETCH;
    }

    void complete(FetchResult with) {
      SerialExecutor.Task timer = lateTimer;
      if (timer != null) {
        timer.cancel();
      }
      result.complete(with);
    }

    /** The backup knows of no such key, and the home did not say that it does. */
    boolean deniedForHome() {
      return unknownToBackup && !homeAnswered;
    }

    /** Of several older values the newest. */
    void found(FetchResult.Superseded candidate) {
      FetchResult.Superseded best = older;
      if (best == null
          || LastWriterWins.wins(candidate.record().header(), best.record().header())) {
        older = candidate;
      }
    }
  }

  private record Request(
      RegionName to, Map<Key, Asked> open, SerialExecutor.Task timeout, long sentNanos) {
    boolean isAhead() {
      return open.values().stream().anyMatch(Asked::isPrefetch);
    }
  }

  private final ReplicationConfig config;
  private final SerialExecutor loop;
  private final Clock clock;
  private final Function<RegionName, Outbound> links;
  private final ToDoubleFunction<RegionName> expectedRttMs;
  private final Hedges hedges;
  private final CopyHints hints;
  private final BiConsumer<RegionName, Key> mayBeOlder;
  private final Predicate<MetadataRecord> isOfThePast;
  private final Map<Long, Request> requests = new HashMap<>();

  /** What a prefetch is under way for. Changed by the loop alone; others may look. */
  private final Map<Key, Asked> prefetching = new ConcurrentHashMap<>();

  private final AtomicLong prefetchingBytes = new AtomicLong();
  private final AtomicLong hurried = new AtomicLong();
  private final AtomicLong cancelled = new AtomicLong();
  private final AtomicLong rerouted = new AtomicLong();
  private long lastRequest;

  /**
   * @param expectedRttMs to a region; NaN if nothing is known
   * @param hints are told who has answered with what
   * @param mayBeOlder is told of regions that did not have what was known here
   * @param isOfThePast whether a record has been forgotten here: it is not shown again
   */
  Fetches(
      ReplicationConfig config,
      SerialExecutor loop,
      Clock clock,
      Function<RegionName, Outbound> links,
      ToDoubleFunction<RegionName> expectedRttMs,
      CopyHints hints,
      BiConsumer<RegionName, Key> mayBeOlder,
      Predicate<MetadataRecord> isOfThePast) {
    this.isOfThePast = isOfThePast;
    this.config = config;
    this.loop = loop;
    this.clock = clock;
    this.links = links;
    this.expectedRttMs = expectedRttMs;
    this.hedges = new Hedges(config.routing().hedging());
    this.hints = hints;
    this.mayBeOlder = mayBeOlder;
  }

  /**
   * @param candidates in the order in which to ask
   * @param lastResort regions to be asked, all at once, if none of those has it
   */
  CompletableFuture<FetchResult> fetch(
      Key key,
      @Nullable Dot atLeast,
      RegionName home,
      List<RegionName> candidates,
      Set<RegionName> lastResort,
      Purpose purpose) {
    var asked = new Asked(key, atLeast, home, candidates, lastResort, purpose);
    goOn(asked);
    return asked.result;
  }

  /**
   * Asks the first reachable candidate of each key, and nobody else; not while there is no room.
   */
  Map<Key, CompletableFuture<FetchResult>> prefetch(
      Map<Key, List<RegionName>> candidates, Function<Key, @Nullable Dot> atLeast) {
    var results = new LinkedHashMap<Key, CompletableFuture<FetchResult>>();
    var byRegion = new LinkedHashMap<RegionName, List<Asked>>();
    long bytes = prefetchingBytes.get();
    for (Map.Entry<Key, List<RegionName>> each : candidates.entrySet()) {
      Key key = each.getKey();
      RegionName to = firstEstablished(each.getValue());
      bytes += bytesOf(key);
      if (to == null || bytes > MAX_PREFETCHING_BYTES) {
        results.put(key, CompletableFuture.completedFuture(unreachable(each.getValue())));
      } else {
        var asked = new Asked(key, atLeast.apply(key), to, List.of(to), Set.of(), Purpose.PREFETCH);
        asked.next = 1;
        results.put(key, asked.result);
        byRegion.computeIfAbsent(to, region -> new ArrayList<>()).add(asked);
      }
    }
    byRegion.forEach(this::send);
    return results;
  }

  /** Whether a prefetch is under way for a key. Any thread; the loop may think otherwise later. */
  boolean isPrefetching(Key key) {
    return prefetching.containsKey(key);
  }

  /** Of heap, by estimate, for what prefetches are under way for. Any thread. */
  long prefetchingBytes() {
    return prefetchingBytes.get();
  }

  private static int bytesOf(Key key) {
    return PREFETCH_OVERHEAD_BYTES + key.utf8Length();
  }

  /** How many keys of prefetches others were told to answer next. Any thread. */
  long hurried() {
    return hurried.get();
  }

  /** How many keys of prefetches were wanted no more before they were answered. Any thread. */
  long cancelled() {
    return cancelled.get();
  }

  /** Second requests, and fetches that went on because a region fell silent or away. Any thread. */
  RoutingStats routing() {
    return new RoutingStats(
        hedges.sentTotal(), hedges.wonTotal(), hedges.refusedTotal(), rerouted.get());
  }

  /** A read waits for the key: if a prefetch is under way for it, it is to be answered next. */
  void hurry(Key key) {
    Asked asked = prefetching.get(key);
    Request request = asked == null ? null : requests.get(asked.request);
    if (asked == null || request == null || asked.hurried) {
      return;
    }
    asked.hurried = links.apply(request.to()).send(new Frame.Hurry(asked.request, key));
    if (asked.hurried) {
      hurried.incrementAndGet();
    }
  }

  /** Nothing is wanted ahead any more; what a read waits for comes all the same. */
  void callOff() {
    overtaken(
        prefetching.values().stream()
            .filter(asked -> !asked.hurried)
            .map(asked -> asked.key)
            .sorted()
            .toList());
  }

  /** What prefetches are under way for is here, or is known to be older than the newest. */
  void overtaken(List<Key> keys) {
    var byRequest = new TreeMap<Long, List<Asked>>();
    for (Key key : keys) {
      Asked asked = prefetching.get(key);
      if (asked != null) {
        noLongerUnderWay(asked);
        byRequest.computeIfAbsent(asked.request, id -> new ArrayList<>()).add(asked);
      }
    }
    byRequest.forEach(this::cancel);
  }

  private void cancel(long id, List<Asked> overtaken) {
    Request request = requests.get(id);
    if (request == null) {
      return;
    }
    List<Asked> unanswered =
        overtaken.stream().filter(asked -> request.open().remove(asked.key, asked)).toList();
    if (unanswered.isEmpty()) {
      return;
    }
    forget(request.to(), id, unanswered);
    endIfAnswered(id, request);
    cancelled.addAndGet(unanswered.size());
    unanswered.forEach(asked -> asked.complete(new FetchResult.Overtaken()));
  }

  private void forget(RegionName to, long id, Collection<Asked> unwanted) {
    List<Key> keys = unwanted.stream().map(asked -> asked.key).toList();
    // If there is no room for it, the answers come, and nobody heeds them.
    links.apply(to).send(new Frame.Forget(id, keys));
  }

  private @Nullable RegionName firstEstablished(List<RegionName> regions) {
    for (RegionName region : regions) {
      if (links.apply(region).isEstablished()) {
        return region;
      }
    }
    return null;
  }

  /** Asks whoever is next, unless somebody who is likely to answer has been asked already. */
  private void goOn(Asked asked) {
    if (asked.result.isDone() || !asked.waitsFor.isEmpty()) {
      return;
    }
    while (asked.next < asked.candidates.size()) {
      if (ask(asked, asked.candidates.get(asked.next++)) && !asked.waitsFor.isEmpty()) {
        hedgeWhenLate(asked);
        return;
      }
    }
    if (!asked.askedAll && !asked.deniedForHome()) {
      askTheRest(asked);
    }
    if (asked.underWay == 0) {
      end(asked);
    }
  }

  private boolean ask(Asked asked, RegionName region) {
    return links.apply(region).isEstablished() && send(region, List.of(asked));
  }

  /** It is somewhere, or was: anybody may have a copy, or an older one. */
  private void askTheRest(Asked asked) {
    asked.askedAll = true;
    for (RegionName to : asked.lastResort) {
      if (!asked.asked.contains(to)) {
        ask(asked, to);
      }
    }
  }

  private void hedgeWhenLate(Asked asked) {
    if (asked.purpose != Purpose.READ || hedges.isOff()) {
      return;
    }
    hedges.requested();
    if (asked.lateTimer != null || asked.next == asked.candidates.size()) {
      return; // at most once, and only if there is another
    }
    RegionName first = asked.waitsFor.get(0);
    double afterMs = hedges.lateAfterMs(first);
    if (afterMs < config.attemptTimeout().toMillis()) {
      asked.lateTimer = loop.schedule(nanos(afterMs), () -> late(asked, first, afterMs, false));
    }
  }

  private static Duration nanos(double ms) {
    return Duration.ofNanos((long) (ms * 1e6));
  }

  /**
   * The first region has taken long.
   *
   * @param latest longer than anything of late
   */
  private void late(Asked asked, RegionName first, double soFarMs, boolean latest) {
    RegionName second = nextTrusted(asked);
    if (asked.result.isDone() || !asked.waitsFor.contains(first) || second == null) {
      return;
    }
    if (!latest && !hedges.isSooner(first, soFarMs, expectedRttMs.applyAsDouble(second))) {
      double laterMs = hedges.latestAfterMs(first);
      asked.lateTimer =
          loop.schedule(
              nanos(Math.max(0, laterMs - soFarMs)), () -> late(asked, first, laterMs, true));
      return;
    }
    if (hedges.trySend()) {
      asked.hedge = second;
      asked.candidates.remove(second);
      asked.candidates.add(asked.next++, second);
      ask(asked, second);
    }
  }

  private @Nullable RegionName nextTrusted(Asked asked) {
    for (int i = asked.next; i < asked.candidates.size(); i++) {
      if (links.apply(asked.candidates.get(i)).isTrusted()) {
        return asked.candidates.get(i);
      }
    }
    return null;
  }

  /** Nobody who was asked will say more. */
  private static void end(Asked asked) {
    if (asked.older != null) {
      asked.complete(asked.older);
    } else if (asked.deniedForHome()) {
      // The home could not be asked; the backup answers for it.
      asked.complete(new FetchResult.Absent());
    } else if (asked.anyAnswered) {
      asked.complete(new FetchResult.NotHeld(asked.homeAnswered));
    } else {
      asked.complete(unreachable(asked.candidates));
    }
  }

  private static FetchResult unreachable(List<RegionName> regions) {
    return new FetchResult.Unreachable("none of the regions " + regions + " answered in time");
  }

  private boolean send(RegionName to, List<Asked> all) {
    long id = ++lastRequest;
    var open = new LinkedHashMap<Key, Asked>();
    var wanted = new ArrayList<Frame.Wanted>(all.size());
    for (Asked asked : all) {
      open.put(asked.key, asked);
      wanted.add(new Frame.Wanted(asked.key, asked.atLeast));
    }
    Outbound link = links.apply(to);
    if (!link.send(new Frame.Fetch(id, all.get(0).isPrefetch(), wanted))) {
      all.stream().filter(Asked::isPrefetch).forEach(this::goOn);
      return false;
    }
    var timeout = loop.schedule(config.attemptTimeout(), () -> timedOut(id));
    requests.put(id, new Request(to, open, timeout, clock.nanoTime()));
    for (Asked asked : all) {
      asked.underWay++;
      asked.asked.add(to);
      if (link.isTrusted()) {
        asked.waitsFor.add(to);
      }
      if (asked.isPrefetch()) {
        underWay(asked, id);
      }
    }
    return true;
  }

  private void underWay(Asked asked, long id) {
    asked.request = id;
    prefetchingBytes.addAndGet(bytesOf(asked.key));
    if (prefetching.put(asked.key, asked) != null) {
      // The one before is still answered, but can be neither hurried nor called off.
      prefetchingBytes.addAndGet(-bytesOf(asked.key));
    }
  }

  private void noLongerUnderWay(Asked asked) {
    if (prefetching.remove(asked.key, asked)) {
      prefetchingBytes.addAndGet(-bytesOf(asked.key));
    }
  }

  private void timedOut(long id) {
    Request request = requests.get(id);
    if (request != null) {
      tookUntilNow(request);
      abandonAhead(id, request);
      abandon(id);
    }
  }

  private void tookUntilNow(Request request) {
    if (!request.isAhead() && !request.open().isEmpty()) {
      hedges.took(request.to(), (clock.nanoTime() - request.sentNanos()) / 1e6);
    }
  }

  private void abandonAhead(long id, Request request) {
    List<Asked> ahead = request.open().values().stream().filter(Asked::isPrefetch).toList();
    if (!ahead.isEmpty()) {
      forget(request.to(), id, ahead);
    }
  }

  private void abandon(long id) {
    Request request = requests.remove(id);
    if (request != null) {
      request.timeout().cancel();
      for (Asked asked : List.copyOf(request.open().values())) {
        noLongerUnderWay(asked);
        answeredOrNot(asked, request.to());
        goOn(asked);
      }
    }
  }

  private static void answeredOrNot(Asked asked, RegionName by) {
    asked.underWay--;
    asked.waitsFor.remove(by);
  }

  /**
   * The region may not answer: what reads wait for is asked of others too, what was wanted ahead is
   * not waited for.
   */
  void doubted(RegionName peer) {
    for (long id : requestsTo(peer)) {
      Request request = requests.get(id);
      if (request == null) {
        continue;
      }
      if (request.isAhead()) {
        abandonAhead(id, request);
        abandon(id);
      } else {
        for (Asked asked : List.copyOf(request.open().values())) {
          if (asked.waitsFor.remove(peer) && !asked.result.isDone()) {
            rerouted.incrementAndGet();
            goOn(asked);
          }
        }
      }
    }
  }

  /** The connection is gone: nobody there will answer. */
  void disconnected(RegionName peer) {
    requestsTo(peer).forEach(this::abandon);
  }

  private List<Long> requestsTo(RegionName peer) {
    return requests.entrySet().stream()
        .filter(entry -> entry.getValue().to().equals(peer))
        .map(Map.Entry::getKey)
        .sorted()
        .toList();
  }

  void onReply(RegionName from, Frame.FetchReply reply) {
    Request request = requests.get(reply.requestId());
    if (request == null || !request.to().equals(from)) {
      return;
    }
    tookUntilNow(request);
    for (Frame.Answer answer : reply.answers()) {
      Asked asked = request.open().remove(answer.key());
      if (asked != null) {
        noLongerUnderWay(asked);
        answeredOrNot(asked, from);
        answered(asked, from, answer);
      }
    }
    endIfAnswered(reply.requestId(), request);
  }

  private void endIfAnswered(long id, Request request) {
    if (request.open().isEmpty()) {
      request.timeout().cancel();
      requests.remove(id);
    }
  }

  private void answered(Asked asked, RegionName from, Frame.Answer answer) {
    boolean isOfUse = answer instanceof Frame.Answer.Found some && isOfUse(asked, some.record());
    hints.answered(asked.key, from, isOfUse);
    if (asked.result.isDone()) {
      return; // another was sooner
    }
    if (isOfUse && answer instanceof Frame.Answer.Found found) {
      if (from.equals(asked.hedge) && !asked.waitsFor.isEmpty()) {
        hedges.won();
      }
      asked.complete(new FetchResult.Found(found.record(), from));
      return;
    }
    asked.anyAnswered = true;
    asked.homeAnswered |= from.equals(asked.home);
    if (answer instanceof Frame.Answer.Superseded older && isShowable(older.record())) {
      asked.found(new FetchResult.Superseded(older.record(), from));
    }
    if (asked.atLeast != null && !asked.isPrefetch()) {
      mayBeOlder.accept(from, asked.key);
    }
    if (answer instanceof Frame.Answer.Unknown && asked.atLeast == null) {
      if (from.equals(asked.home)) {
        asked.complete(new FetchResult.Absent());
        return;
      }
      asked.unknownToBackup = true;
    }
    goOn(asked);
  }

  /** Whether it is what was asked for; a peer that errs is treated like one that lacks it. */
  private boolean isOfUse(Asked asked, MetadataRecord record) {
    return hasOneOfUse(record, asked.atLeast) && config.allows(record) && !isOfThePast.test(record);
  }

  /** Whether one of the versions is not older than what is wanted, and is whole. */
  static boolean hasOneOfUse(MetadataRecord record, @Nullable Dot atLeast) {
    for (Sibling each : record.versions()) {
      boolean whole = each.header().isTombstone() || each.payload() != null;
      if (whole && (atLeast == null || each.header().version().covers(atLeast))) {
        return true;
      }
    }
    return false;
  }

  private boolean isShowable(MetadataRecord record) {
    return record.payload() != null && config.allows(record) && !isOfThePast.test(record);
  }

  void close() {
    prefetching.clear();
    prefetchingBytes.set(0);
    List.copyOf(requests.keySet())
        .forEach(
            id -> {
              Request request = requests.remove(id);
              if (request != null) {
                request.timeout().cancel();
                request
                    .open()
                    .values()
                    .forEach(
                        asked ->
                            asked.complete(new FetchResult.Unreachable("the fabric is closed")));
              }
            });
  }
}
