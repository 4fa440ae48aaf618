package io.metafabric.replicate;

import io.metafabric.core.port.Later;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.Dot;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Begins fetches: takes what is asked for to the loop, and says there whom to ask. Keeps nothing
 * itself; any thread.
 */
final class PayloadRequests {
  private final SerialExecutor loop;
  private final Fetches fetches;
  private final PayloadPlaces places;
  private final Peers peers;

  PayloadRequests(SerialExecutor loop, Fetches fetches, PayloadPlaces places, Peers peers) {
    this.loop = loop;
    this.fetches = fetches;
    this.places = places;
    this.peers = peers;
  }

  private <T> CompletableFuture<T> onLoop(Supplier<CompletableFuture<T>> action) {
    return Later.on(loop, action);
  }

  /** As {@link Replicator#fetch}. */
  CompletableFuture<FetchResult> fetch(Key key, @Nullable Header known, Fetches.Purpose purpose) {
    Dot atLeast = known == null ? null : known.version().dot();
    return onLoop(
        () -> {
          RegionName home = places.homeOf(key);
          List<RegionName> asked = places.candidates(key, known);
          return fetches.fetch(key, atLeast, home, asked, peers.members(), purpose);
        });
  }

  /** As {@link Replicator#fetchToHold}. */
  CompletableFuture<FetchResult> fetchToHold(Key key, @Nullable Header known) {
    return fetch(key, known, Fetches.Purpose.KEEPING);
  }

  /** As {@link Replicator#fetchWrite}. */
  CompletableFuture<FetchResult> fetchWrite(
      Key key, @Nullable Header known, Dot write, @Nullable RegionName writtenIn) {
    return onLoop(
        () -> {
          var asked = new ArrayList<>(places.candidates(key, known));
          places.addOther(asked, writtenIn);
          RegionName home = places.homeOf(key);
          return fetches.fetch(key, write, home, asked, peers.members(), Fetches.Purpose.READ);
        });
  }

  /** Asks one region for what it has of a key, and nobody else. */
  CompletableFuture<FetchResult> fetchFrom(RegionName region, Key key) {
    return onLoop(
        () -> fetches.fetch(key, null, region, List.of(region), Set.of(), Fetches.Purpose.READ));
  }

  /** Asks for many payloads ahead of their reads, with one request to each region. */
  void prefetch(Map<Key, Header> wanted, BiConsumer<Key, FetchResult> sink) {
    loop.execute(
        () -> {
          var candidates = new LinkedHashMap<Key, List<RegionName>>();
          wanted.forEach((key, header) -> candidates.put(key, places.candidates(key, header)));
          fetches
              .prefetch(
                  candidates,
                  key -> {
                    Header header = wanted.get(key);
                    return header == null ? null : header.version().dot();
                  })
              .forEach((key, future) -> future.thenAccept(result -> sink.accept(key, result)));
        });
  }

  /** As {@link Replicator#callOffPrefetches}. */
  void callOffPrefetches() {
    // Behind those that were begun before, and are not sent yet.
    loop.execute(fetches::callOff);
  }

  /** As {@link Replicator#hurry}. */
  void hurry(Key key) {
    // Behind a prefetch that was begun before, and is not sent yet.
    loop.execute(() -> fetches.hurry(key));
  }
}
