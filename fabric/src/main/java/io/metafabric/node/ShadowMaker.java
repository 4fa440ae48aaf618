package io.metafabric.node;

import io.metafabric.core.place.Homes;
import io.metafabric.core.port.Later;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.MoveOutcome;
import io.metafabric.core.wire.ShadowVerb;
import io.metafabric.replicate.Replicator;
import io.metafabric.replicate.arm.ShadowDecision;
import io.metafabric.replicate.shadow.ShadowPlacement;
import io.metafabric.replicate.shadow.ShadowTerms;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Has other regions hold shadows of a key of which this one is home or backup: asks who has one,
 * and sends the payload where it takes most latency from, until there are enough.
 *
 * <p>Has no state of its own. Belongs to the loop.
 */
final class ShadowMaker {
  private final RegionName region;
  private final ShadowTalk talk;
  private final ShadowPayments payments;
  private final ShadowLeaves leaves;
  private final HeldShadows held;
  private final Replicator replicator;
  private final SerialExecutor loop;
  private final ShadowLog log;
  private final Function<Key, CompletableFuture<@Nullable MetadataRecord>> reader;

  /**
   * @param reader completes with the record, payload included, from wherever it is; with null if
   *     nobody has it
   */
  ShadowMaker(
      ShadowTalk talk,
      ShadowPayments payments,
      ShadowLeaves leaves,
      HeldShadows held,
      Replicator replicator,
      SerialExecutor loop,
      ShadowLog log,
      Function<Key, CompletableFuture<@Nullable MetadataRecord>> reader) {
    this.region = talk.region();
    this.talk = talk;
    this.payments = payments;
    this.leaves = leaves;
    this.held = held;
    this.replicator = replicator;
    this.loop = loop;
    this.log = log;
    this.reader = reader;
  }

  /**
   * What became of shadows that were to be made.
   *
   * @param answers of the regions that were concerned
   * @param refusedBy regions that were sent one and did not take it
   * @param unpaid why the budget had no room for some; null if that kept none from being sent
   * @param isEnough whether there are as many as are wanted, or nothing is to be held
   */
  record Made(
      List<Frame.ShadowAnswer> answers,
      Set<RegionName> refusedBy,
      @Nullable ShadowDecision unpaid,
      boolean isEnough) {}

  /**
   * Of home or backup: the payload goes to as many others as are wanted, and to those that have it
   * already, whose time begins anew. Waits a moment for bytes to be earned.
   */
  CompletableFuture<List<Frame.ShadowAnswer>> make(Key key, ShadowTerms terms) {
    return make(key, terms, true, Set.of(), () -> true).thenApply(Made::answers);
  }

  /**
   * The same for what went with a region: those that have it are left as they are, and what cannot
   * be paid now is not waited for.
   *
   * @param but regions that are not to be sent one
   * @param isWanted whether it still is; what was made when it is not any more is dropped again
   */
  CompletableFuture<Made> makeAgain(
      Key key, ShadowTerms terms, Set<RegionName> but, BooleanSupplier isWanted) {
    return make(key, terms, false, but, isWanted);
  }

  private CompletableFuture<Made> make(
      Key key, ShadowTerms terms, boolean isAsked, Set<RegionName> but, BooleanSupplier isWanted) {
    String problem = talk.problemOf(key);
    if (problem != null) {
      return notMade(MoveOutcome.REFUSED, problem);
    }
    return reader
        .apply(key)
        .thenCompose(
            record -> {
              if (record == null || record.payload() == null) {
                return talk.hasValue(key)
                    ? unreadNow(key)
                    : notMade(MoveOutcome.NOT_FOUND, "there is no value of " + key + " to hold");
              }
              if (!replicator.mayGo(record)) {
                return notMade(
                    MoveOutcome.REFUSED,
                    "its value is longer than maxValueBytes, and was written under another");
              }
              long deadlineNanos = isAsked ? payments.deadlineNanos() : payments.nowNanos();
              var making = new Making(record, terms, isAsked, but, isWanted, deadlineNanos);
              return Later.on(
                  loop,
                  () -> tellAll(key).thenCompose(all -> makeSome(making, place(making, all))));
            });
  }

  private CompletableFuture<Made> notMade(MoveOutcome outcome, String why) {
    return CompletableFuture.completedFuture(
        new Made(List.of(talk.answer(outcome, why)), Set.of(), null, true));
  }

  private CompletableFuture<Made> unreadNow(Key key) {
    var answer = talk.answer(MoveOutcome.UNREACHABLE, "nobody who has " + key + " answers now");
    return CompletableFuture.completedFuture(new Made(List.of(answer), Set.of(), null, false));
  }

  /** What the regions say of their shadows of a key, this one first. */
  CompletableFuture<List<Frame.ShadowAnswer>> tellAll(Key key) {
    return talk.askAll(
        CompletableFuture.completedFuture(List.of(held.told(key))), ShadowVerb.TELL, key);
  }

  /** Where the payload is to go, in that order. */
  private List<RegionName> place(Making making, List<Frame.ShadowAnswer> told) {
    Key key = making.record.key();
    var having = new TreeSet<RegionName>();
    var others = new TreeSet<RegionName>();
    Map<RegionName, Long> reads = new TreeMap<>(leaves.readersOf(key));
    for (Frame.ShadowAnswer each : told) {
      if (each.region().equals(region) || replicator.isToHold(each.region(), key)) {
        continue; // the key may have moved away from this region meanwhile
      }
      Frame.ShadowFacts facts = each.facts();
      if (each.outcome() == MoveOutcome.UNREACHABLE) {
        making.silent.add(each);
      } else if (facts != null) {
        having.add(each.region());
        reads.merge(each.region(), facts.hits(), Long::sum);
      } else if (!making.but.contains(each.region())) {
        others.add(each.region());
      }
    }
    Homes at = talk.homesOf(key);
    var holding = new TreeSet<RegionName>(having);
    holding.add(at.home());
    RegionName backup = at.backup();
    if (backup != null) {
      holding.add(backup);
    }
    making.wanted = making.terms.factor() - ShadowTalk.homesIn(at);
    var order = new ArrayList<RegionName>();
    if (making.isAsked) {
      order.addAll(having);
    } else {
      making.wanted -= having.size();
    }
    var placement = new ShadowPlacement(region, replicator::expectedRttMs);
    order.addAll(placement.order(others, holding, reads));
    return order;
  }

  /** One region after the other until there are as many as are wanted. */
  private CompletableFuture<Made> makeSome(Making making, List<RegionName> order) {
    boolean ends = making.made() >= making.wanted || order.isEmpty() || making.unread;
    if (ends || !making.isWanted.getAsBoolean()) {
      return CompletableFuture.completedFuture(ended(making));
    }
    RegionName next = order.get(0);
    // What has waited in vain has no patience left for the others.
    long deadlineNanos = making.unpaid == null ? making.deadlineNanos : payments.nowNanos();
    return payments
        .send(() -> headerNow(making), next, making.terms, deadlineNanos)
        .thenCompose(paid -> Later.on(loop, () -> send(making, next, paid)))
        .thenCompose(
            answers -> {
              making.done.addAll(answers);
              return makeSome(making, order.subList(1, order.size()));
            });
  }

  private Made ended(Making making) {
    boolean isEnough = making.made() >= making.wanted;
    if (!isEnough) {
      // Only then does it matter who could not be asked.
      making.done.addAll(making.silent);
    }
    if (!making.isWanted.getAsBoolean()) {
      making.done.stream()
          .filter(each -> each.outcome() == MoveOutcome.DONE)
          .forEach(each -> dropAgain(making.key(), each.region()));
    }
    return new Made(
        List.copyOf(making.done), Set.copyOf(making.refusedBy), making.unpaid, isEnough);
  }

  /** Somebody has had the shadows of the key dropped while this one was on its way. */
  private void dropAgain(Key key, RegionName from) {
    leaves.end(key, from);
    replicator.askShadow(from, ShadowVerb.DROP, key, null, null);
  }

  /** Others may have written since the payload was read; what would be sent now is priced. */
  private Header headerNow(Making making) {
    Header now = talk.headerOf(making.key());
    return now == null ? making.record.header() : now;
  }

  private CompletableFuture<List<Frame.ShadowAnswer>> send(
      Making making, RegionName to, ShadowDecision paid) {
    Key key = making.key();
    if (!paid.isPaid()) {
      making.unpaid = paid;
      log.add(key, "no shadow in " + to + ": " + paid);
      String why = "the copy budget of " + region + " does not allow it: " + paid.why();
      return answered(to, MoveOutcome.REFUSED, why);
    }
    Header now = headerNow(making);
    if (now.version().dot().equals(making.record.header().version().dot())) {
      return sendPaid(making, to, paid);
    }
    // A region that knows of the newer one would not take what was read before.
    return reader
        .apply(key)
        .thenCompose(
            record ->
                Later.on(
                    loop,
                    () -> {
                      boolean isUnread = record == null || record.payload() == null;
                      if (isUnread && talk.hasValue(key)) {
                        making.unread = true;
                        return answered(
                            to, MoveOutcome.UNREACHABLE, "nobody who has " + key + " answers now");
                      }
                      if (isUnread || !replicator.mayGo(record)) {
                        making.wanted = 0;
                        return answered(
                            to, MoveOutcome.NOT_FOUND, "there is no value of " + key + " any more");
                      }
                      making.record = record;
                      return sendPaid(making, to, paid);
                    }));
  }

  private static CompletableFuture<List<Frame.ShadowAnswer>> answered(
      RegionName by, MoveOutcome outcome, String why) {
    return CompletableFuture.completedFuture(
        List.of(new Frame.ShadowAnswer(by, outcome, why, null)));
  }

  private CompletableFuture<List<Frame.ShadowAnswer>> sendPaid(
      Making making, RegionName to, ShadowDecision paid) {
    return replicator
        .askToHoldShadow(to, making.record, making.terms)
        .thenApply(
            answers -> {
              answers.forEach(each -> noteMade(making, each, paid));
              return answers;
            });
  }

  private void noteMade(Making making, Frame.ShadowAnswer answer, ShadowDecision paid) {
    Key key = making.key();
    ShadowTerms terms = making.terms;
    if (answer.outcome() == MoveOutcome.DONE) {
      Frame.ShadowFacts facts = answer.facts();
      // What it had already may live longer than what it was sent.
      leaves.give(
          key,
          answer.region(),
          facts == null ? terms : ShadowTerms.said(terms.reason(), terms.factor(), facts.leftMs()));
    } else if (answer.outcome() != MoveOutcome.UNREACHABLE) {
      making.refusedBy.add(answer.region());
    }
    log.add(
        key,
        "shadow in "
            + answer.region()
            + ", "
            + terms.reason()
            + ": "
            + answer.outcome()
            + (answer.message().isEmpty() ? "" : ", " + answer.message())
            + "; "
            + paid);
  }

  /** One key's shadows while they are made. */
  private static final class Making {
    final ShadowTerms terms;

    /** By a caller who waits; else by this region. */
    final boolean isAsked;

    final Set<RegionName> but;
    final BooleanSupplier isWanted;
    final long deadlineNanos;
    final List<Frame.ShadowAnswer> done = new ArrayList<>();
    final List<Frame.ShadowAnswer> silent = new ArrayList<>();
    final Set<RegionName> refusedBy = new TreeSet<>();
    MetadataRecord record;
    int wanted;

    /** Nobody who has what others wrote meanwhile answers. */
    boolean unread;

    @Nullable ShadowDecision unpaid;

    Making(
        MetadataRecord record,
        ShadowTerms terms,
        boolean isAsked,
        Set<RegionName> but,
        BooleanSupplier isWanted,
        long deadlineNanos) {
      this.record = record;
      this.terms = terms;
      this.isAsked = isAsked;
      this.but = but;
      this.isWanted = isWanted;
      this.deadlineNanos = deadlineNanos;
    }

    Key key() {
      return record.key();
    }

    long made() {
      return done.stream().filter(each -> each.outcome() == MoveOutcome.DONE).count();
    }
  }
}
