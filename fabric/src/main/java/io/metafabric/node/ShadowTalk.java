package io.metafabric.node;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.place.HomeLookup;
import io.metafabric.core.place.Homes;
import io.metafabric.core.port.Clock;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.version.Dot;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.MoveOutcome;
import io.metafabric.core.wire.ShadowVerb;
import io.metafabric.replicate.Replicator;
import io.metafabric.replicate.shadow.ShadowTerms;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * What regions say to each other about shadows: whom to ask, what this region answers, and of which
 * keys there are none. Has no state of its own; asks on the loop.
 */
final class ShadowTalk {
  /** What a region says of a shadow that it had, and that ended in its own time or by request. */
  static final String HAS_ENDED = "it has ended";

  private final RegionName region;
  private final RecordStore store;
  private final Replicator replicator;
  private final HomeLookup homes;
  private final Clock clock;

  ShadowTalk(
      RegionName region, RecordStore store, Replicator replicator, HomeLookup homes, Clock clock) {
    this.region = region;
    this.store = store;
    this.replicator = replicator;
    this.homes = homes;
    this.clock = clock;
  }

  RegionName region() {
    return region;
  }

  Homes homesOf(Key key) {
    return homes.homesOf(key);
  }

  /** How many regions hold the payload as home or backup. */
  static int homesIn(Homes at) {
    return at.backup() == null ? 1 : 2;
  }

  boolean isHolder(Key key) {
    return replicator.isToHold(region, key);
  }

  boolean isHome(Key key) {
    return homesOf(key).home().equals(region);
  }

  /** What is known of a key here; null also if that cannot be read now. */
  @Nullable Header headerOf(Key key) {
    try {
      return store.header(key);
    } catch (StorageException e) {
      return null;
    }
  }

  /** Whether a key has a value, as far as is known here, be it readable here or not. */
  boolean hasValue(Key key) {
    Header known = headerOf(key);
    return known != null && known.isVisibleAt(clock.wallMs());
  }

  /** Why there are no shadows of a key; null if there may be some. */
  @Nullable String problemOf(Key key) {
    if (key.isSystem() || store.conflictRules().of(key).merge() != null) {
      return "every region holds its payload";
    }
    return store.conflictRules().of(key).keepsSiblings()
        ? "siblings are kept of it, and a shadow is of one value"
        : null;
  }

  /**
   * Asks the home, or the backup where the home is silent or thinks that it is none. Not this
   * region, which may have become one of the two since whoever asks looked.
   */
  CompletableFuture<List<Frame.ShadowAnswer>> askHolder(
      ShadowVerb verb, Key key, @Nullable ShadowTerms terms, @Nullable Dot dot) {
    Homes at = homes.homesOf(key);
    RegionName backup = region.equals(at.backup()) ? null : at.backup();
    if (at.home().equals(region)) {
      return backup == null
          ? answered(MoveOutcome.UNREACHABLE, "region " + region + " has become home of " + key)
              .thenApply(List::of)
          : replicator.askShadow(backup, verb, key, terms, dot);
    }
    return replicator
        .askShadow(at.home(), verb, key, terms, dot)
        .thenCompose(
            said ->
                backup == null || hasSaid(said)
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

  /** What this region has said already, and what all others say. */
  CompletableFuture<List<Frame.ShadowAnswer>> askAll(
      CompletableFuture<List<Frame.ShadowAnswer>> here, ShadowVerb verb, Key key) {
    var all = new ArrayList<CompletableFuture<List<Frame.ShadowAnswer>>>();
    all.add(here);
    for (RegionName other : replicator.members()) {
      all.add(replicator.askShadow(other, verb, key, null, null));
    }
    return CompletableFuture.allOf(all.toArray(CompletableFuture<?>[]::new))
        .thenApply(done -> all.stream().flatMap(each -> each.join().stream()).toList());
  }

  Frame.ShadowAnswer answer(MoveOutcome outcome, String message) {
    return new Frame.ShadowAnswer(region, outcome, message, null);
  }

  CompletableFuture<Frame.ShadowAnswer> answered(MoveOutcome outcome, String message) {
    return CompletableFuture.completedFuture(answer(outcome, message));
  }

  Frame.ShadowAnswer notHome(Key key) {
    return answer(MoveOutcome.NOT_HOME, "region " + region + " is no home or backup of " + key);
  }

  /** A peer that errs may answer for nobody. */
  Frame.ShadowAnswer firstOf(List<Frame.ShadowAnswer> said) {
    return said.isEmpty()
        ? answer(MoveOutcome.REFUSED, "home or backup answered without saying anything")
        : said.get(0);
  }
}
