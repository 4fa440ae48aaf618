package io.metafabric.replicate;

import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.MoveOutcome;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.LongFunction;

/** Steps of home moves that other regions were asked for. Belongs to the loop. */
final class MoveRequests {
  private record Request(
      RegionName to, CompletableFuture<HomeMoves.Result> result, SerialExecutor.Task timeout) {}

  private final SerialExecutor loop;
  private final Function<RegionName, Outbound> links;
  private final Duration attemptTimeout;
  private final Map<Long, Request> requests = new HashMap<>();
  private long lastRequest;

  /**
   * @param attemptTimeout for so long one region is waited for
   */
  MoveRequests(SerialExecutor loop, Function<RegionName, Outbound> links, Duration attemptTimeout) {
    this.loop = loop;
    this.links = links;
    this.attemptTimeout = attemptTimeout;
  }

  /** Asks {@code home} to make {@code to} the home of a key. */
  CompletableFuture<HomeMoves.Result> askToMove(RegionName home, Key key, RegionName to) {
    // It asks the new home in turn, and writes to its disk.
    return ask(home, attemptTimeout.multipliedBy(3), id -> new Frame.MoveHome(id, key, to));
  }

  /** Asks {@code to} to hold a record durably, with its payload. */
  CompletableFuture<HomeMoves.Result> askToHold(RegionName to, MetadataRecord record) {
    return ask(to, attemptTimeout, id -> new Frame.Hold(id, record));
  }

  private CompletableFuture<HomeMoves.Result> ask(
      RegionName to, Duration timeout, LongFunction<Frame> frame) {
    long id = ++lastRequest;
    if (!links.apply(to).send(frame.apply(id))) {
      return CompletableFuture.completedFuture(unreachable(to + " cannot be reached"));
    }
    var result = new CompletableFuture<HomeMoves.Result>();
    var task =
        loop.schedule(timeout, () -> end(id, unreachable(to + " did not answer in " + timeout)));
    requests.put(id, new Request(to, result, task));
    return result;
  }

  private static HomeMoves.Result unreachable(String message) {
    return new HomeMoves.Result(MoveOutcome.UNREACHABLE, "region " + message);
  }

  private void end(long id, HomeMoves.Result with) {
    Request request = requests.remove(id);
    if (request != null) {
      request.timeout().cancel();
      request.result().complete(with);
    }
  }

  void onDone(RegionName from, Frame.Done done) {
    Request request = requests.get(done.requestId());
    if (request != null && request.to().equals(from)) {
      end(done.requestId(), new HomeMoves.Result(done.outcome(), done.message()));
    }
  }

  void disconnected(RegionName peer) {
    List<Long> lost =
        requests.entrySet().stream()
            .filter(entry -> entry.getValue().to().equals(peer))
            .map(Map.Entry::getKey)
            .sorted()
            .toList();
    lost.forEach(id -> end(id, unreachable("connection to " + peer + " was lost")));
  }

  void close() {
    List.copyOf(requests.keySet()).forEach(id -> end(id, unreachable("the fabric is closed")));
  }
}
