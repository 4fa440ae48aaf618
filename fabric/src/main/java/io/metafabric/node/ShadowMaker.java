package io.metafabric.node;

import io.metafabric.core.place.Homes;
import io.metafabric.core.port.Later;
import io.metafabric.core.port.SerialExecutor;
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
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
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
   * @param isUnpaid whether some were not sent, as the budget has no room for them
   */
  record Made(List<Frame.ShadowAnswer> answers, boolean isUnpaid) {}

  /**
   * Of home or backup: the payload goes to as many others as are wanted, and to those that have it
   * already, whose time begins anew. Waits a moment for bytes to be earned.
   */
  CompletableFuture<List<Frame.ShadowAnswer>> make(Key key, ShadowTerms terms) {
    return make(key, terms, true).thenApply(Made::answers);
  }

  /**
   * The same for what went with a region: those that have it are left as they are, and what cannot
   * be paid now is not waited for.
   */
  CompletableFuture<Made> makeAgain(Key key, ShadowTerms terms) {
    return make(key, terms, false);
  }

  private CompletableFuture<Made> make(Key key, ShadowTerms terms, boolean isAsked) {
    String problem = talk.problemOf(key);
    if (problem != null) {
      return notMade(MoveOutcome.REFUSED, problem);
    }
    return reader
        .apply(key)
        .thenCompose(
            record -> {
              if (record == null || record.payload() == null) {
                return notMade(MoveOutcome.NOT_FOUND, "there is no value of " + key + " to hold");
              }
              if (!replicator.mayGo(record)) {
                return notMade(
                    MoveOutcome.REFUSED,
                    "its value is longer than maxValueBytes, and was written under another");
              }
              var making = new Making(record, terms, isAsked);
              return Later.on(
                  loop,
                  () -> tellAll(key).thenCompose(all -> makeSome(making, place(making, all))));
            });
  }

  private CompletableFuture<Made> notMade(MoveOutcome outcome, String why) {
    return CompletableFuture.completedFuture(new Made(List.of(talk.answer(outcome, why)), false));
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
      } else {
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
    if (making.made() >= making.wanted || order.isEmpty()) {
      if (making.made() < making.wanted) {
        // Only then does it matter who could not be asked.
        making.done.addAll(making.silent);
      }
      return CompletableFuture.completedFuture(new Made(List.copyOf(making.done), making.isUnpaid));
    }
    RegionName next = order.get(0);
    // What has waited in vain has no patience left for the others.
    Duration patience =
        making.isAsked && !making.isUnpaid ? ShadowPayments.PATIENCE : Duration.ZERO;
    return payments
        .send(making.record.header(), next, making.terms, patience)
        .thenCompose(paid -> send(making, next, paid))
        .thenCompose(
            answers -> {
              making.done.addAll(answers);
              return makeSome(making, order.subList(1, order.size()));
            });
  }

  private CompletableFuture<List<Frame.ShadowAnswer>> send(
      Making making, RegionName to, ShadowDecision paid) {
    Key key = making.record.key();
    if (!paid.isPaid()) {
      making.isUnpaid = true;
      log.add(key, "no shadow in " + to + ": " + paid);
      String why = "the copy budget of " + region + " does not allow it: " + paid.why();
      return CompletableFuture.completedFuture(
          List.of(new Frame.ShadowAnswer(to, MoveOutcome.REFUSED, why, null)));
    }
    return replicator
        .askToHoldShadow(to, making.record, making.terms)
        .thenApply(
            answers -> {
              answers.forEach(each -> noteMade(key, each, making.terms, paid));
              return answers;
            });
  }

  private void noteMade(
      Key key, Frame.ShadowAnswer answer, ShadowTerms terms, ShadowDecision paid) {
    if (answer.outcome() == MoveOutcome.DONE) {
      leaves.give(key, answer.region(), terms);
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
    final MetadataRecord record;
    final ShadowTerms terms;

    /** By a caller who waits; else by this region. */
    final boolean isAsked;

    final List<Frame.ShadowAnswer> done = new ArrayList<>();
    final List<Frame.ShadowAnswer> silent = new ArrayList<>();
    int wanted;
    boolean isUnpaid;

    Making(MetadataRecord record, ShadowTerms terms, boolean isAsked) {
      this.record = record;
      this.terms = terms;
      this.isAsked = isAsked;
    }

    long made() {
      return done.stream().filter(each -> each.outcome() == MoveOutcome.DONE).count();
    }
  }
}
