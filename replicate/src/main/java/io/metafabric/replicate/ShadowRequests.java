package io.metafabric.replicate;

import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.Dot;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.MoveOutcome;
import io.metafabric.core.wire.ShadowReason;
import io.metafabric.core.wire.ShadowVerb;
import io.metafabric.replicate.shadow.ShadowTerms;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/** What other regions were asked about shadows. Belongs to the loop. */
final class ShadowRequests {
  /** The version of the protocol that knows of shadows. */
  private static final int SINCE = 3;

  /** So many times as long as one region has for one answer. */
  private static final int MAKE_SHADOWS_ATTEMPTS = 10;

  /**
   * A question under way.
   *
   * @param ofOthers whether the answer may tell of other regions than the one that gives it
   */
  private record Request(
      RegionName to,
      boolean ofOthers,
      CompletableFuture<List<Frame.ShadowAnswer>> result,
      SerialExecutor.Task timeout) {}

  private final SerialExecutor loop;
  private final Function<RegionName, Outbound> links;
  private final Duration attemptTimeout;
  private final Map<Long, Request> requests = new HashMap<>();
  private long lastRequest;

  /**
   * @param attemptTimeout for so long one region is waited for
   */
  ShadowRequests(
      SerialExecutor loop, Function<RegionName, Outbound> links, Duration attemptTimeout) {
    this.loop = loop;
    this.links = links;
    this.attemptTimeout = attemptTimeout;
  }

  /** As {@link Replicator#askShadow}. */
  CompletableFuture<List<Frame.ShadowAnswer>> ask(
      RegionName to, ShadowVerb verb, Key key, @Nullable ShadowTerms terms, @Nullable Dot dot) {
    // It asks all regions in turn, one after the other.
    Duration timeout =
        attemptTimeout.multipliedBy(verb == ShadowVerb.MAKE ? MAKE_SHADOWS_ATTEMPTS : 1);
    ShadowReason reason = terms == null ? ShadowReason.REQUESTED : terms.reason();
    int factor = terms == null ? 0 : terms.factor();
    long ttlMs = terms == null ? 0 : terms.ttlMs();
    return ask(
        to, timeout, id -> new Frame.ShadowRequest(id, verb, key, reason, factor, ttlMs, dot));
  }

  /** Asks a region to have a shadow of a record, which comes with its payload. */
  CompletableFuture<List<Frame.ShadowAnswer>> askToHold(
      RegionName to, MetadataRecord record, ShadowTerms terms) {
    return ask(
        to,
        attemptTimeout,
        id -> new Frame.HoldShadow(id, record, terms.reason(), terms.factor(), terms.ttlMs()));
  }

  /** Completes with what it says, or with one answer that says that it says nothing. */
  private CompletableFuture<List<Frame.ShadowAnswer>> ask(
      RegionName to, Duration timeout, LongFunction<Frame> frame) {
    Outbound link = links.apply(to);
    if (link.isEstablished() && link.protocol() < SINCE) {
      return silent(to, "region " + to + " speaks protocol " + link.protocol() + ", without them");
    }
    long id = ++lastRequest;
    Frame asked = frame.apply(id);
    if (!link.send(asked)) {
      return silent(to, "region " + to + " cannot be reached");
    }
    var result = new CompletableFuture<List<Frame.ShadowAnswer>>();
    var task =
        loop.schedule(
            timeout,
            () -> end(id, unreachable(to, "region " + to + " did not answer in " + timeout)));
    requests.put(id, new Request(to, tellsOfOthers(asked), result, task));
    return result;
  }

  /** Whoever makes shadows says what became of each. */
  private static boolean tellsOfOthers(Frame asked) {
    return asked instanceof Frame.ShadowRequest request && request.verb() == ShadowVerb.MAKE;
  }

  private static CompletableFuture<List<Frame.ShadowAnswer>> silent(RegionName to, String why) {
    return CompletableFuture.completedFuture(unreachable(to, why));
  }

  private static List<Frame.ShadowAnswer> unreachable(RegionName region, String why) {
    return List.of(new Frame.ShadowAnswer(region, MoveOutcome.UNREACHABLE, why, null));
  }

  private void end(long id, List<Frame.ShadowAnswer> with) {
    Request request = requests.remove(id);
    if (request != null) {
      request.timeout().cancel();
      request.result().complete(with);
    }
  }

  void onReply(RegionName from, Frame.ShadowReply reply) {
    Request request = requests.get(reply.requestId());
    if (request == null || !request.to().equals(from)) {
      return;
    }
    boolean honest =
        request.ofOthers() || reply.answers().stream().allMatch(each -> each.region().equals(from));
    end(
        reply.requestId(),
        honest ? reply.answers() : unreachable(from, from + " answered for another region"));
  }

  void disconnected(RegionName peer) {
    List<Long> lost =
        requests.entrySet().stream()
            .filter(entry -> entry.getValue().to().equals(peer))
            .map(Map.Entry::getKey)
            .sorted()
            .toList();
    lost.forEach(id -> end(id, unreachable(peer, "the connection to " + peer + " was lost")));
  }

  void close() {
    List.copyOf(requests.keySet())
        .forEach(
            id -> {
              Request request = requests.get(id);
              if (request != null) {
                end(id, unreachable(request.to(), "the fabric is closed"));
              }
            });
  }
}
