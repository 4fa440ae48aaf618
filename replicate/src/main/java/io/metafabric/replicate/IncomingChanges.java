package io.metafabric.replicate;

import io.metafabric.core.error.FabricException;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.AppliedPrefix;
import io.metafabric.core.store.Inbound;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.transport.PeerConnection;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.Frame;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Takes over the changes that peers stream, in the order of their actors' counters, and
 * acknowledges them once they are durable. Belongs to the loop, but for the counts.
 */
final class IncomingChanges {
  private final ReplicationConfig config;
  private final RecordStore store;
  private final SerialExecutor loop;
  private final LocalCopies copies;
  private final DeltaReader deltaReader;
  private final Predicate<Key> isToHold;
  private final ToLongFunction<RegionName> admittedSince;
  private final Function<RegionName, RegionPair> pairs;

  // Of changes that came from each peer and wait for the disk.
  private final Map<RegionName, WaitingChanges> waiting = new ConcurrentHashMap<>();
  private final AtomicLong overCredit = new AtomicLong();
  private final AtomicLong changesReceived = new AtomicLong();
  private final AtomicLong gaps = new AtomicLong();
  private final AtomicLong batchesRefused = new AtomicLong();

  /**
   * @param isToHold of which keys this region holds the payload
   * @param admittedSince which epoch took a peer in
   */
  IncomingChanges(
      ReplicationConfig config,
      RecordStore store,
      SerialExecutor loop,
      LocalCopies copies,
      DeltaReader deltaReader,
      Predicate<Key> isToHold,
      ToLongFunction<RegionName> admittedSince,
      Function<RegionName, RegionPair> pairs) {
    this.config = config;
    this.store = store;
    this.loop = loop;
    this.copies = copies;
    this.deltaReader = deltaReader;
    this.isToHold = isToHold;
    this.admittedSince = admittedSince;
    this.pairs = pairs;
  }

  long changesReceived() {
    return changesReceived.get();
  }

  /** How often something was missing before what came. */
  long gaps() {
    return gaps.get();
  }

  long batchesRefused() {
    return batchesRefused.get();
  }

  /** How often a peer sent more than it was granted. */
  long overCredit() {
    return overCredit.get();
  }

  /** Of changes that wait for the disk. */
  long waitingBytes() {
    return waiting.values().stream().mapToLong(WaitingChanges::bytes).sum();
  }

  void changes(RegionName peer, PeerConnection from, Frame.Changes changes) {
    ActorId actor = changes.actor();
    if (isDue(peer, from, changes, store.takenUpTo(actor), appliedUpTo(peer, actor))) {
      long bytes = WindowBytes.of(changes);
      if (takeRoom(peer, from, bytes, actor, () -> appliedUpTo(peer, actor))) {
        take(peer, from, changes, bytes);
      }
    }
  }

  /** What a peer sends over one connection. */
  ReceivedDictionaries dictionaries() {
    return deltaReader.dictionaries();
  }

  /**
   * The same with payloads that are told by what is here.
   *
   * @throws WireFormatException if they do not come to what their headers say
   */
  void deltas(
      RegionName peer,
      PeerConnection from,
      ReceivedDictionaries dictionaries,
      Frame.Deltas deltas) {
    long more = DeltaReader.payloadBytes(deltas, config.maxValueBytes());
    Frame.Changes changes = deltas.changes();
    ActorId actor = changes.actor();
    long applied = appliedUpTo(peer, actor);
    if (!isDue(peer, from, changes, store.takenUpTo(actor), applied)) {
      return;
    }
    long bytes = WindowBytes.of(changes) + more;
    if (!takeRoom(peer, from, bytes, actor, () -> appliedUpTo(peer, actor))) {
      return;
    }
    DeltaReader.Result read;
    try {
      read = deltaReader.read(deltas, dictionaries, key -> isToHold.test(key) || copies.wants(key));
    } catch (WireFormatException e) {
      giveBack(peer, bytes);
      throw e;
    }
    if (!read.unwanted().isEmpty()) {
      from.send(new Frame.NotHolding(read.unwanted()));
    }
    if (!read.missing().isEmpty()) {
      from.send(new Frame.NoDictionary(read.missing()));
    }
    if (!read.withoutBase().isEmpty()) {
      from.send(new Frame.NoBase(read.withoutBase()));
    }
    if (read.withoutBase().stream().anyMatch(isToHold)) {
      // What is acknowledged may be given up where it came from: it comes again, whole.
      giveBack(peer, bytes);
      from.send(new Frame.Ack(actor, applied, true));
      return;
    }
    var whole = new Frame.Changes(actor, changes.after(), changes.upTo(), read.records());
    take(peer, from, whole, bytes);
  }

  /** The same of changes that are not complete before the peer says so. */
  void part(RegionName peer, PeerConnection from, ReceivedParts parts, Frame.Changes changes) {
    ActorId actor = changes.actor();
    long taken = Math.max(store.takenUpTo(actor), parts.takenUpTo(actor));
    if (!isDue(peer, from, changes, taken, publishedUpTo(peer, parts, actor))) {
      return;
    }
    long bytes = WindowBytes.of(changes);
    if (!takeRoom(peer, from, bytes, actor, () -> publishedUpTo(peer, parts, actor))) {
      return;
    }
    int takenAt = parts.takes(actor, changes.upTo());
    List<Inbound> news = news(from, changes);
    parts
        .behindOthers(applying(() -> store.applyPart(peer, news, admittedSince(peer))))
        .whenComplete(
            (done, failure) -> {
              giveBack(peer, bytes);
              notTaken(peer, failure);
              loop.execute(
                  () -> {
                    if (failure != null) {
                      parts.isRefused(takenAt);
                    } else if (parts.isPublished(actor, changes.upTo(), takenAt)) {
                      changesReceived.addAndGet(changes.records().size());
                      long upTo = publishedUpTo(peer, parts, actor);
                      from.send(new Frame.Ack(actor, upTo, false));
                    }
                  });
            });
  }

  /** What came in parts has been made whole by what else was brought: it counts as applied. */
  void whole(RegionName peer, PeerConnection from, ReceivedParts parts, Frame.Whole whole) {
    VersionVector upTo = whole.upTo();
    VersionVector applied = store.appliedOf(peer);
    var noted = new ArrayList<CompletableFuture<Boolean>>();
    for (int i = 0; i < upTo.size(); i++) {
      ActorId actor = upTo.actor(i);
      long counter = upTo.counterAt(i);
      if (counter > Math.max(applied.counter(actor), parts.publishedUpTo(actor))) {
        gaps.incrementAndGet();
        return; // it says so again
      }
      if (counter > applied.counter(actor)) {
        // Perhaps it is on its way to the disk already: it is not said before it is there.
        var prefix = new AppliedPrefix(peer, actor, counter);
        noted.add(store.applyRange(0, List.of(), prefix, admittedSince(peer), () -> {}));
      }
    }
    CompletableFuture.allOf(noted.toArray(CompletableFuture<?>[]::new))
        .whenComplete(
            (done, failure) -> {
              notTaken(peer, failure);
              if (failure == null && noted.stream().allMatch(CompletableFuture::join)) {
                loop.execute(() -> from.send(whole));
              }
            });
  }

  private static CompletableFuture<Void> applying(Supplier<CompletableFuture<Void>> how) {
    try {
      return how.get();
    } catch (FabricException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  private long admittedSince(RegionName peer) {
    return admittedSince.applyAsLong(peer);
  }

  private long appliedUpTo(RegionName peer, ActorId actor) {
    return store.appliedOf(peer, actor);
  }

  private long publishedUpTo(RegionName peer, ReceivedParts parts, ActorId actor) {
    return Math.max(appliedUpTo(peer, actor), parts.publishedUpTo(actor));
  }

  /**
   * Whether it is what comes next of its actor; if not, and that is of use, the peer is told.
   *
   * @param before up to which counter the actor's changes are taken
   * @param acknowledged and up to which they are durable
   */
  private boolean isDue(
      RegionName peer, PeerConnection from, Frame.Changes changes, long before, long acknowledged) {
    ActorId actor = changes.actor();
    if (store.isHeld(actor)) {
      // Its clock is ahead, or ours behind: what follows waits where it comes from.
      return false;
    }
    if (changes.after() > before) {
      missing(peer, from, actor, acknowledged);
      return false;
    }
    if (changes.upTo() <= before) {
      from.send(new Frame.Ack(actor, acknowledged, false));
      return false;
    }
    return true;
  }

  private void take(RegionName peer, PeerConnection from, Frame.Changes changes, long bytes) {
    var charged = new AtomicLong(bytes);
    Runnable giveBack = () -> giveBack(peer, charged.getAndSet(0));
    store
        .applyRange(
            changes.after(),
            news(from, changes),
            new AppliedPrefix(peer, changes.actor(), changes.upTo()),
            admittedSince(peer),
            giveBack)
        .whenComplete(
            (taken, failure) -> {
              // A range that was refused comes again: the peer gets no acknowledgement.
              giveBack.run();
              notTaken(peer, failure);
              if (failure == null) {
                loop.execute(() -> applied(peer, from, changes, taken));
              }
            });
  }

  private List<Inbound> news(PeerConnection from, Frame.Changes changes) {
    var news = new ArrayList<Inbound>();
    var useless = new ArrayList<Key>();
    for (MetadataRecord record : changes.records()) {
      boolean keep = isToHold.test(record.key());
      if (!keep && record.payload() != null && !copies.wants(record.key())) {
        useless.add(record.key());
      }
      news.add(new Inbound(record, keep));
    }
    if (!useless.isEmpty()) {
      from.send(new Frame.NotHolding(useless));
    }
    return news;
  }

  private void applied(RegionName peer, PeerConnection from, Frame.Changes changes, boolean taken) {
    if (taken) {
      changesReceived.addAndGet(changes.records().size());
      from.send(new Frame.Ack(changes.actor(), changes.upTo(), false));
    } else {
      missing(peer, from, changes.actor(), appliedUpTo(peer, changes.actor()));
    }
  }

  private void missing(RegionName peer, PeerConnection from, ActorId actor, long acknowledged) {
    gaps.incrementAndGet();
    if (!waitingOf(peer).willAsk(from)) {
      from.send(new Frame.Ack(actor, acknowledged, true));
    }
  }

  private void notTaken(RegionName peer, @Nullable Throwable failure) {
    if (failure != null) {
      batchesRefused.incrementAndGet();
    }
    pairs
        .apply(peer)
        .cannotTake(
            failure == null
                ? null
                : "changes from " + peer + " cannot be taken: " + failure.getMessage());
  }

  private WaitingChanges waitingOf(RegionName peer) {
    return waiting.computeIfAbsent(peer, unknown -> new WaitingChanges(config.windowBytes(), loop));
  }

  private boolean takeRoom(
      RegionName peer, PeerConnection from, long bytes, ActorId actor, LongSupplier acknowledged) {
    WaitingChanges waits = waitingOf(peer);
    if (waits.take(bytes)) {
      return true;
    }
    overCredit.incrementAndGet();
    waits.refuse(from, () -> from.send(new Frame.Ack(actor, acknowledged.getAsLong(), true)));
    return false;
  }

  private void giveBack(RegionName peer, long bytes) {
    waitingOf(peer).giveBack(bytes);
  }
}
