package io.metafabric.node;

import io.metafabric.core.error.StorageException;
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
import io.metafabric.replicate.Replicator;
import io.metafabric.replicate.arm.ShadowDecision;
import io.metafabric.replicate.shadow.ShadowRules;
import io.metafabric.replicate.shadow.ShadowShelf;
import io.metafabric.replicate.shadow.ShadowStats;
import io.metafabric.replicate.shadow.ShadowTerms;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The shadows that this region has: how one comes to the shelf, lives on by leave of the home, and
 * ends. One is dropped only after home or backup has said that the payload can be read there. Owns
 * which of them a home may not know of.
 *
 * <p>Belongs to the loop, but for what says otherwise.
 */
final class HeldShadows {
  /** A shadow whose payload nobody else is known to have is looked at again after so long. */
  private static final Duration LOOK_AGAIN = Duration.ofSeconds(15);

  /** Looked at in one sweep, each at the price of a small frame. */
  private static final int MAX_DUE = 512;

  /** Of which home or backup may not know; of more the next look at each asks. */
  private static final int MAX_RECLAIMS = 1 << 16;

  /** An entry of a map, a key and terms, without characters. */
  private static final long ENTRY_BYTES = 240;

  /** Of which a home may not know that they have ended; of more it may make some again. */
  private static final int MAX_ENDED = 4096;

  private static final long MOST_BYTES = ENTRY_BYTES + 2L * Key.MAX_BYTES;

  private final ShadowTalk talk;
  private final ShadowPayments payments;
  private final RecordStore store;
  private final LocalTiers tiers;
  private final Replicator replicator;
  private final SerialExecutor loop;
  private final Clock clock;
  private final ShadowShelf shelf;
  private final ShadowLog log;
  private final BiConsumer<Key, ShadowTerms> onHolder;

  /** Of which home or backup may not know. */
  private final Set<Key> reclaims = new LinkedHashSet<>();

  private final AtomicLong reclaimsBytes = new AtomicLong();

  /** Of which not both, home and backup, may know; those that ended last come last. */
  private final Set<Key> ended = new LinkedHashSet<>();

  private final AtomicLong endedBytes = new AtomicLong();

  /**
   * @param onHolder is told of a key of which this region has a shadow that was asked for by name,
   *     and is home or backup by now, so that there is one shadow less
   */
  HeldShadows(
      ShadowTalk talk,
      ShadowPayments payments,
      RecordStore store,
      LocalTiers tiers,
      Replicator replicator,
      SerialExecutor loop,
      Clock clock,
      ShadowShelf shelf,
      ShadowLog log,
      BiConsumer<Key, ShadowTerms> onHolder) {
    this.talk = talk;
    this.payments = payments;
    this.store = store;
    this.tiers = tiers;
    this.replicator = replicator;
    this.loop = loop;
    this.clock = clock;
    this.shelf = shelf;
    this.log = log;
    this.onHolder = onHolder;
  }

  /** What there is to say of the shadow of a key. */
  Frame.ShadowAnswer told(Key key) {
    return shelf.contains(key)
        ? held(key)
        : talk.answer(MoveOutcome.NOT_FOUND, ended.contains(key) ? ShadowTalk.HAS_ENDED : "");
  }

  private Frame.ShadowAnswer held(Key key) {
    return new Frame.ShadowAnswer(
        talk.region(), MoveOutcome.DONE, "", shelf.facts(key, clock.nanoTime()));
  }

  /** Takes what home or backup sent. */
  CompletableFuture<Frame.ShadowAnswer> hold(MetadataRecord record, ShadowTerms terms) {
    Key key = record.key();
    String problem = talk.isHolder(key) ? "it is home or backup of it" : talk.problemOf(key);
    if (problem != null || record.payload() == null || record.hasSiblings()) {
      return talk.answered(
          MoveOutcome.REFUSED, problem == null ? "it came without a payload" : problem);
    }
    if (store.isTooFarAhead(record)) {
      return talk.answered(
          MoveOutcome.REFUSED, String.valueOf(store.tooFarAhead(key).getMessage()));
    }
    return store
        .applyOne(new Inbound(record, false))
        .thenCompose(news -> Later.on(loop, () -> put(record, terms)))
        .thenApply(
            answer -> {
              if (answer.outcome() == MoveOutcome.DONE) {
                reclaim(key); // if it was not the home that sent it
              }
              return answer;
            });
  }

  private CompletableFuture<Frame.ShadowAnswer> put(MetadataRecord record, ShadowTerms terms) {
    Key key = record.key();
    Header known = talk.headerOf(key);
    if (known == null || !known.version().dot().equals(record.header().version().dot())) {
      return talk.answered(MoveOutcome.REFUSED, "something newer is known in " + talk.region());
    }
    if (!shelf.put(record, terms, clock.nanoTime())) {
      ShadowStats stats = shelf.stats();
      return talk.answered(
          MoveOutcome.REFUSED,
          stats.bytes()
              + " of "
              + stats.maxBytes()
              + " bytes for shadows are taken in "
              + talk.region()
              + ", or all that its budget stores of copies");
    }
    forgetEnded(key);
    log.add(key, "shadow here, " + terms.reason() + ", for " + Duration.ofNanos(terms.ttlNanos()));
    return CompletableFuture.completedFuture(held(key));
  }

  /** Whether the payload of that version, or of one that covers it, is here. */
  boolean isReadableHere(Key key, Dot dot) {
    try {
      MetadataRecord record = store.read(key);
      return record != null
          && record.header().version().covers(dot)
          && (record.payload() != null || isDead(record.header()));
    } catch (StorageException e) {
      // What cannot be read here is not held here.
      return false;
    }
  }

  /** Whether nobody anywhere reads it any more, by all clocks: this one may be wrong. */
  private boolean isDead(Header header) {
    return header.isDeadAt(Header.reachedBy(replicator.leastWallMs()));
  }

  /** A region that is nearer to this one than to the home has read what is here. */
  void fetched(Key key, RegionName by) {
    shelf.fetched(key, by);
  }

  /** Because somebody asks for it; it stays where something would be lost by it. */
  CompletableFuture<Frame.ShadowAnswer> drop(Key key) {
    MetadataRecord held = shelf.get(key);
    return held == null
        ? talk.answered(MoveOutcome.NOT_FOUND, "")
        : end(key, held.header().version().dot(), true);
  }

  /** Asks whether the payload can be read elsewhere, and drops it then. */
  private CompletableFuture<Frame.ShadowAnswer> end(Key key, Dot dot, boolean byRequest) {
    forgetReclaim(key); // which would be heard behind this, and be leave for nothing
    return elsewhere(key, dot)
        .thenCompose(
            said ->
                Later.on(
                    loop,
                    () -> {
                      Frame.ShadowAnswer first = talk.firstOf(said);
                      if (first.outcome() != MoveOutcome.DONE) {
                        shelf.putOff(key, clock.nanoTime(), LOOK_AGAIN.toNanos());
                        String why =
                            "it stays, as nobody says that the payload is elsewhere: "
                                + first.message();
                        log.add(key, why);
                        return talk.answered(MoveOutcome.REFUSED, why);
                      }
                      boolean isOver = shelf.end(key, dot, byRequest);
                      if (isOver) {
                        tiers.drop(key);
                        rememberEnded(key);
                      }
                      log.add(key, byRequest ? "shadow dropped" : "shadow expired");
                      return talk.answered(
                          isOver ? MoveOutcome.DONE : MoveOutcome.REFUSED,
                          isOver ? "" : "a newer payload came meanwhile");
                    }));
  }

  private void rememberEnded(Key key) {
    forgetEnded(key);
    ended.add(key);
    endedBytes.addAndGet(bytesOf(key));
    if (ended.size() > MAX_ENDED) {
      forgetEnded(ended.iterator().next());
    }
  }

  private void forgetEnded(Key key) {
    if (ended.remove(key)) {
      endedBytes.addAndGet(-bytesOf(key));
    }
  }

  private CompletableFuture<List<Frame.ShadowAnswer>> elsewhere(Key key, Dot dot) {
    Header known;
    try {
      known = store.header(key);
    } catch (StorageException e) {
      // Whether it is of use is not known then, so it stays.
      return talk.answered(MoveOutcome.REFUSED, "what is known of it cannot be read here now")
          .thenApply(List::of);
    }
    boolean isDead = known == null || isDead(known);
    if (isDead || talk.isHolder(key)) {
      // As home or backup by now it may need it itself.
      boolean safe = isDead || isReadableHere(key, dot);
      return talk.answered(
              safe ? MoveOutcome.DONE : MoveOutcome.REFUSED,
              safe ? "" : "this region is to hold it, and has nothing else")
          .thenApply(List::of);
    }
    return talk.askHolder(ShadowVerb.END, key, null, dot);
  }

  /** Asks for leave to have one, or to keep it; completes with what home or backup says. */
  CompletableFuture<Frame.ShadowAnswer> claim(Key key, ShadowTerms terms, @Nullable Dot dot) {
    return talk.askHolder(ShadowVerb.CLAIM, key, terms, dot).thenApply(talk::firstOf);
  }

  /**
   * By leave of the home: keeps what was read here, or fetches it, if it can be paid.
   *
   * @return whether it came, on any thread; else the leave is given back
   */
  CompletableFuture<Boolean> take(Key key, ShadowTerms terms) {
    MetadataRecord here;
    try {
      here = tiers.find(key);
    } catch (StorageException e) {
      log.add(key, "no shadow is made: what is known of it cannot be read: " + e.getMessage());
      return notTaken(key);
    }
    if (here == null || !here.header().isVisibleAt(clock.wallMs())) {
      return notTaken(key);
    }
    if (!shelf.hasRoomFor(key, here.header())) {
      log.add(key, "no shadow is made: there is no room for it");
      return notTaken(key);
    }
    boolean isHere = here.payload() != null;
    ShadowDecision decision = payments.keep(key, here.header(), terms, !isHere);
    if (decision != null && !decision.isPaid()) {
      log.add(key, "no shadow is made: " + decision);
      return notTaken(key);
    }
    if (decision != null) {
      log.add(key, "shadow is paid for " + Duration.ofNanos(terms.ttlNanos()) + ": " + decision);
    }
    if (isHere) {
      return put(here.alone(), terms).thenCompose(put -> taken(key, put));
    }
    return replicator
        .fetch(key, here.header())
        .thenCompose(
            result ->
                result instanceof FetchResult.Found found
                    ? hold(found.record().alone(), terms).thenCompose(put -> taken(key, put))
                    : notTaken(key));
  }

  private CompletableFuture<Boolean> taken(Key key, Frame.ShadowAnswer put) {
    if (put.outcome() == MoveOutcome.DONE) {
      return CompletableFuture.completedFuture(true);
    }
    log.add(key, "no shadow is made: " + put.message());
    return notTaken(key);
  }

  private CompletableFuture<Boolean> notTaken(Key key) {
    giveBack(key);
    return CompletableFuture.completedFuture(false);
  }

  /** So that the home does not send updates of what is not here, nor counts it. */
  private void giveBack(Key key) {
    if (!shelf.contains(key)) {
      talk.askHolder(ShadowVerb.END, key, null, null);
    }
  }

  /**
   * Looks at those whose time has come: what has earned its cost lives on by leave of the home,
   * what has not ends.
   */
  void sweep(ShadowRules rules) {
    reclaimSome();
    for (ShadowShelf.Due due : shelf.due(clock.nanoTime(), MAX_DUE)) {
      lookAt(due, rules);
    }
  }

  private void lookAt(ShadowShelf.Due due, ShadowRules rules) {
    Key key = due.key();
    if (talk.isHolder(key)) {
      // Its payload may have come since this region became home or backup.
      promote(key);
      if (!shelf.contains(key)) {
        return;
      }
    }
    ShadowDecision earned = talk.isHolder(key) ? null : payments.earned(due);
    // Nobody else can be asked for it now, so a read of it was worth more than any price.
    boolean isAlone = earned == null && !talk.isHolder(key) && due.used().isAny();
    if (isAlone || (earned != null && earned.isPaid())) {
      ShadowTerms next = termsNow(due, rules).lasting(due.livesOnNanos());
      claim(key, next, due.dot()).thenAccept(said -> loop.execute(() -> renew(due, earned, said)));
    } else {
      fade(due, String.valueOf(earned));
    }
  }

  /** What was asked for by name keeps its factor; else the rules may be others by now. */
  private static ShadowTerms termsNow(ShadowShelf.Due due, ShadowRules rules) {
    ShadowTerms terms = due.terms();
    return terms.reason() == ShadowReason.REQUESTED
        ? terms
        : terms.withFactor(rules.ruleFor(due.key().path(), terms.client()).factor());
  }

  private void renew(
      ShadowShelf.Due due, @Nullable ShadowDecision earned, Frame.ShadowAnswer said) {
    if (said.outcome() == MoveOutcome.REFUSED) {
      fade(due, said.message());
      return;
    }
    ShadowDecision paid = payments.keep(due.key(), due.header(), due.terms(), false);
    if (paid != null && !paid.isPaid()) {
      fade(due, paid.toString());
      reclaim(due.key()); // the home thinks that it lives on
    } else {
      // While nobody answers it is of more use than ever.
      log.add(due.key(), "shadow lives on: " + (earned == null ? "nobody answers" : earned));
      shelf.livesOn(due.key(), clock.nanoTime());
    }
  }

  private void fade(ShadowShelf.Due due, String why) {
    boolean isOver = shelf.fades(due.key(), clock.nanoTime());
    if (isOver || due.used().isAny()) {
      log.add(due.key(), "shadow is not renewed: " + why);
    }
    if (isOver) {
      end(due.key(), due.dot(), false);
    }
  }

  /**
   * All homes may be others, or have begun anew: what this region is to hold by now goes to the
   * journal, and a home that does not know of a shadow is told.
   */
  void rehomed() {
    shelf.keys().forEach(this::rehomed);
  }

  /** The same of one key, whose home was moved. */
  void rehomed(Key key) {
    if (talk.isHolder(key)) {
      promote(key);
    } else if (shelf.contains(key)) {
      reclaim(key);
    }
  }

  /** The home is told that there is a shadow here, in the next sweep. */
  private void reclaim(Key key) {
    if (reclaims.size() < MAX_RECLAIMS && reclaims.add(key)) {
      reclaimsBytes.addAndGet(bytesOf(key));
    }
  }

  /** Of an entry of a map by key, by estimate; at most {@link #MOST_BYTES}. */
  private static long bytesOf(Key key) {
    return ENTRY_BYTES + 2L * key.utf8Length();
  }

  private void forgetReclaim(Key key) {
    if (reclaims.remove(key)) {
      reclaimsBytes.addAndGet(-bytesOf(key));
    }
  }

  private void reclaimSome() {
    for (int i = 0; i < MAX_DUE && !reclaims.isEmpty(); i++) {
      Key key = reclaims.iterator().next();
      forgetReclaim(key);
      ShadowTerms terms = shelf.termsLeft(key, clock.nanoTime());
      MetadataRecord held = shelf.get(key);
      if (terms != null && held != null && !talk.isHolder(key)) {
        // Refused or not, it ends in its own time.
        claim(key, terms, held.header().version().dot());
      }
    }
  }

  /** What this region is to hold as home or backup is in its journal before it is no shadow. */
  private void promote(Key key) {
    MetadataRecord held = shelf.get(key);
    if (held == null) {
      return;
    }
    try {
      if (store.holdsPayload(key)) {
        promoted(key, held);
      } else if (store.isCurrent(key, held.header().version().dot())) {
        store
            .keep(held)
            .thenAccept(
                isKept -> {
                  if (isKept) {
                    loop.execute(() -> promoted(key, held));
                  }
                });
      }
    } catch (StorageException e) {
      // It stays a shadow for as long as nothing else can be read here.
      log.add(key, "its shadow is not in the journal: what is known of it cannot be read: " + e);
    }
  }

  private void promoted(Key key, MetadataRecord held) {
    ShadowTerms terms = shelf.termsLeft(key, clock.nanoTime());
    if (terms != null && talk.isHolder(key) && shelf.promoted(key, held.header().version().dot())) {
      log.add(key, "its shadow went to the journal: this region is home or backup now");
      if (terms.reason() == ShadowReason.REQUESTED) {
        onHolder.accept(key, terms);
      }
    }
  }

  /** Nothing of it can be read any more. Any thread. */
  void gone(Key key) {
    MetadataRecord held = shelf.get(key);
    if (held != null) {
      loop.execute(() -> end(key, held.header().version().dot(), false));
    }
  }

  /** Any thread. */
  ShadowStats stats() {
    return shelf.stats();
  }

  /** Any thread. */
  MemoryUse reclaimsMemory() {
    return new MemoryUse("shadows to be claimed", reclaimsBytes.get(), MAX_RECLAIMS * MOST_BYTES);
  }

  /** Any thread. */
  MemoryUse endedMemory() {
    return new MemoryUse("shadows that have ended", endedBytes.get(), MAX_ENDED * MOST_BYTES);
  }
}
