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
import io.metafabric.replicate.shadow.ShadowPlacement;
import io.metafabric.replicate.shadow.ShadowTerms;
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
      ShadowLeaves leaves,
      HeldShadows held,
      Replicator replicator,
      SerialExecutor loop,
      ShadowLog log,
      Function<Key, CompletableFuture<@Nullable MetadataRecord>> reader) {
    this.region = talk.region();
    this.talk = talk;
    this.leaves = leaves;
    this.held = held;
    this.replicator = replicator;
    this.loop = loop;
    this.log = log;
    this.reader = reader;
  }

  /** Of home or backup: the payload goes to as many others as are wanted. */
  CompletableFuture<List<Frame.ShadowAnswer>> make(Key key, ShadowTerms terms) {
    String problem = talk.problemOf(key);
    if (problem != null) {
      return talk.answered(MoveOutcome.REFUSED, problem).thenApply(List::of);
    }
    return reader
        .apply(key)
        .thenCompose(
            record -> {
              if (record == null || record.payload() == null) {
                return talk.answered(
                        MoveOutcome.NOT_FOUND, "there is no value of " + key + " to hold")
                    .thenApply(List::of);
              }
              if (!replicator.mayGo(record)) {
                return talk.answered(
                        MoveOutcome.REFUSED,
                        "its value is longer than maxValueBytes, and was written under another")
                    .thenApply(List::of);
              }
              return Later.on(
                  loop, () -> tellAll(key).thenCompose(all -> place(record, terms, all)));
            });
  }

  /** What the regions say of their shadows of a key, this one first. */
  CompletableFuture<List<Frame.ShadowAnswer>> tellAll(Key key) {
    return talk.askAll(
        CompletableFuture.completedFuture(List.of(held.told(key))), ShadowVerb.TELL, key);
  }

  private CompletableFuture<List<Frame.ShadowAnswer>> place(
      MetadataRecord record, ShadowTerms terms, List<Frame.ShadowAnswer> told) {
    Key key = record.key();
    var silent = new ArrayList<Frame.ShadowAnswer>();
    var having = new TreeSet<RegionName>();
    var others = new TreeSet<RegionName>();
    Map<RegionName, Long> reads = new TreeMap<>(leaves.readersOf(key));
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
    Homes at = talk.homesOf(key);
    var holding = new TreeSet<RegionName>(having);
    holding.add(at.home());
    RegionName backup = at.backup();
    if (backup != null) {
      holding.add(backup);
    }
    var order = new ArrayList<RegionName>(having);
    var placement = new ShadowPlacement(region, replicator::expectedRttMs);
    order.addAll(placement.order(others, holding, reads));
    int wanted = terms.factor() - ShadowTalk.homesIn(at);
    return makeSome(record, terms, order, wanted, new ArrayList<>(), silent);
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
            + (answer.message().isEmpty() ? "" : ", " + answer.message()));
  }
}
