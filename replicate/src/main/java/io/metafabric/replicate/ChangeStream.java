package io.metafabric.replicate;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.Frame;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * This node's own changes on their way to one peer: reads the journal behind what the peer has
 * acknowledged, and goes back there when something was lost. Nothing is queued beside the journal
 * but what is under way. Not thread-safe.
 */
final class ChangeStream {
  /**
   * @param position of the last journal entry that it accounts for
   * @param bytes that it takes of the peer's window
   */
  record Batch(Frame.Changes frame, long position, int bytes) {}

  /** All that must be known of a batch until it is acknowledged. */
  private record UnderWay(ActorId actor, long upTo, long position, int bytes) {}

  private final RecordStore store;
  private final int batchBytes;
  private final Function<MetadataRecord, MetadataRecord> outgoing;
  private final Deque<UnderWay> inFlight = new ArrayDeque<>();

  private VersionVector acknowledged;
  private long acknowledgedPosition;
  private VersionVector sent;
  private ReadAhead ahead;
  private @Nullable Batch refused;
  private long inFlightBytes;
  private long coalescedBefore;

  /**
   * @param acknowledged what the peer says it has
   * @param fromPosition the peer needs nothing at or before this
   * @param outgoing decides whether a record goes with its payload
   */
  ChangeStream(
      RecordStore store,
      int batchBytes,
      VersionVector acknowledged,
      long fromPosition,
      Function<MetadataRecord, MetadataRecord> outgoing) {
    this.store = store;
    this.batchBytes = batchBytes;
    this.outgoing = outgoing;
    this.acknowledged = acknowledged;
    this.acknowledgedPosition = fromPosition;
    this.sent = acknowledged;
    this.ahead = readAhead();
  }

  private ReadAhead readAhead() {
    return new ReadAhead(store, batchBytes, acknowledgedPosition, acknowledged, outgoing);
  }

  /**
   * The next batch to send, or null if there is none now.
   *
   * @throws StorageException if what is next cannot be read; what is before it has been given out,
   *     and nothing behind it is, because the peer would take that for complete
   */
  @Nullable Batch next() {
    Batch again = refused;
    if (again != null) {
      refused = null;
      return again;
    }
    ahead.read();
    ActorId actor = ahead.actor();
    if (actor == null || !ahead.hasNews()) {
      if (inFlight.isEmpty() && ahead.isEmpty()) {
        acknowledgedPosition = ahead.position();
      }
      return null;
    }
    return batch(actor, ahead.take());
  }

  private Batch batch(ActorId actor, List<MetadataRecord> records) {
    var frame = new Frame.Changes(actor, sent.counter(actor), ahead.readUpTo(), records);
    sent = sent.with(new Dot(actor, ahead.readUpTo()));
    return new Batch(frame, ahead.position(), WindowBytes.of(frame));
  }

  /** The batch is under way. */
  void sent(Batch batch) {
    Frame.Changes frame = batch.frame();
    inFlight.add(new UnderWay(frame.actor(), frame.upTo(), batch.position(), batch.bytes()));
    inFlightBytes += batch.bytes();
  }

  /** There was no room for it: {@link #next} gives it again. */
  void refused(Batch batch) {
    refused = batch;
  }

  /** Returns whether this acknowledged anything new. */
  boolean acknowledge(ActorId actor, long counter) {
    boolean news = false;
    while (!inFlight.isEmpty()) {
      UnderWay head = inFlight.peek();
      if (!head.actor().equals(actor) || head.upTo() > counter) {
        break;
      }
      inFlight.remove();
      inFlightBytes -= head.bytes();
      acknowledgedPosition = head.position();
      news = true;
    }
    if (counter > acknowledged.counter(actor)) {
      acknowledged = acknowledged.with(new Dot(actor, counter));
      ahead.has(actor, counter);
      news = true;
    }
    return news;
  }

  /** Sends everything again that was not acknowledged. */
  void rewind() {
    inFlight.clear();
    inFlightBytes = 0;
    refused = null;
    sent = acknowledged;
    coalescedBefore = coalesced();
    ahead = readAhead();
  }

  /** Whether the peer has acknowledged every published change. */
  boolean isDrained() {
    return inFlight.isEmpty() && !hasUnread();
  }

  boolean hasUnread() {
    return refused != null || !ahead.isEmpty() || !ahead.isAtEnd();
  }

  /** Whether a long run of others' entries was met: nothing will come to go on for. */
  boolean mustReadOn() {
    return inFlight.isEmpty() && refused == null && hasUnread();
  }

  boolean hasInFlight() {
    return !inFlight.isEmpty();
  }

  long inFlightBytes() {
    return inFlightBytes;
  }

  /** Of changes that were read and wait to be sent. */
  long waitingBytes() {
    Batch waits = refused;
    return ahead.bytes() + (waits == null ? 0 : waits.bytes());
  }

  /** Changes that were not sent, because a later one of the same key said all of it. */
  long coalesced() {
    return coalescedBefore + ahead.coalesced();
  }

  /**
   * Some of the entries from {@link #lackingFrom} to here were not kept any more when they were
   * come by; 0 if all were since {@link #lackingIsNoted}.
   */
  long lackingUpTo() {
    return ahead.lackingUpTo();
  }

  void lackingIsNoted() {
    ahead.lackingIsNoted();
  }

  long lackingFrom() {
    return ahead.lackingFrom();
  }

  long acknowledgedPosition() {
    return acknowledgedPosition;
  }

  VersionVector acknowledged() {
    return acknowledged;
  }
}
