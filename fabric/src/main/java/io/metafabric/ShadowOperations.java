package io.metafabric;

import io.metafabric.core.error.OverloadedException;
import io.metafabric.core.error.RegionUnreachableException;
import io.metafabric.core.place.Homes;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.wire.Frame.ShadowAnswer;
import io.metafabric.core.wire.MoveOutcome;
import io.metafabric.node.FabricNode;
import io.metafabric.replicate.shadow.ShadowRule;
import io.metafabric.replicate.shadow.ShadowRules;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;

/** What is asked of an open fabric about shadows. Thread-safe. */
final class ShadowOperations {
  private static final int MAX_UNDER_WAY = 1024;

  private final OpenState state;
  private final RunningNode running;
  private final Executor completions;

  /** What nobody would complete any more once the fabric is closed. */
  private final Map<Object, CompletableFuture<?>> underWay = new ConcurrentHashMap<>();

  ShadowOperations(OpenState state, RunningNode running, Executor completions) {
    this.completions = completions;
    this.state = state;
    this.running = running;
  }

  CompletionStage<ShadowOutcome> shadow(String path, int factor, Duration timeToLive) {
    Key key = Key.of(path);
    ShadowRule.requireTimeToLive(timeToLive);
    FabricNode<Versioned> node = openNode();
    ShadowRule.requireFactor(factor, node.replicator().members().size() + 1);
    return whileOpen(
        node.makeShadows(key, factor, timeToLive)
            .thenApply(answers -> ShadowOutcome.of(path, reached(key, answers), false)));
  }

  /** Home and backup alone can have it done. */
  private List<ShadowAnswer> reached(Key key, List<ShadowAnswer> answers) {
    if (answers.size() == 1) {
      ShadowAnswer only = answers.get(0);
      Homes at = running.get().homesOf(key);
      if (only.outcome() == MoveOutcome.UNREACHABLE && at.include(only.region())) {
        throw new RegionUnreachableException(
            "no shadows of "
                + key
                + " were made: "
                + only.message()
                + ", which is home or backup of it; try again when it is back");
      }
    }
    return answers;
  }

  CompletionStage<ShadowReport> shadows(String path) {
    Key key = Key.of(path);
    FabricNode<Versioned> node = openNode();
    Homes at = node.homesOf(key);
    return whileOpen(
        node.shadowsOf(key)
            .thenApply(
                answers ->
                    ShadowReport.of(
                        path,
                        at.home().name(),
                        Optional.ofNullable(at.backup()).map(RegionName::name),
                        answers)));
  }

  CompletionStage<ShadowOutcome> drop(String path) {
    Key key = Key.of(path);
    return whileOpen(
        openNode().dropShadows(key).thenApply(answers -> ShadowOutcome.of(path, answers, true)));
  }

  void setRules(ShadowRules rules) {
    Objects.requireNonNull(rules, "rules");
    FabricNode<Versioned> node = openNode();
    var regions = new TreeSet<>(node.replicator().members());
    regions.add(node.region());
    rules.requireRegions(regions);
    running.setShadowRules(rules);
  }

  /** What hosts do with it is done on their callbacks' thread, not on the node's. */
  private <T> CompletionStage<T> whileOpen(CompletableFuture<T> doing) {
    var ticket = new Object();
    underWay.put(ticket, doing);
    doing.whenComplete((done, failure) -> underWay.remove(ticket));
    if (state.isClosed()) {
      close();
    }
    return doing.whenCompleteAsync((done, failure) -> {}, completions);
  }

  /** The fabric is closed: whoever waits is told. */
  void close() {
    underWay.values().forEach(each -> each.completeExceptionally(OpenState.closedException()));
  }

  private FabricNode<Versioned> openNode() {
    state.requireOpen();
    if (underWay.size() >= MAX_UNDER_WAY) {
      throw new OverloadedException(
          MAX_UNDER_WAY + " operations on shadows are under way; wait until some have ended");
    }
    return running.get();
  }
}
