package io.metafabric.replicate;

import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Key;
import io.metafabric.core.transport.PeerConnection;
import io.metafabric.core.wire.Frame;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What a peer wants ahead of its reads, in the order of asking. It gives way to everything else: a
 * little is answered in each turn of the loop, and only while no other data waits for the link.
 * Belongs to the loop.
 */
final class PrefetchAnswers {
  /** Who counts what did not go as it should. */
  interface Counts {
    /** The connection had no room for a reply. */
    void replyDropped();

    /** So many keys were answered as not held, because too many waited. */
    void prefetchesTurnedAway(int keys);

    /** So many bytes of heap more wait to be answered, or fewer. */
    void prefetchesWait(int moreBytes);
  }

  /** A reply ends with the answer that makes it as large: what comes next waits no longer. */
  static final int REPLY_BYTES = 16 * 1024;

  /** Of heap, by estimate, for what waits here. */
  static final int MAX_WAITING_BYTES = 1024 * 1024;

  /** What a key takes here beside its own bytes. */
  static final int KEY_OVERHEAD_BYTES = 200;

  private record Place(long requestId, Key key) {}

  private final PeerConnection connection;
  private final SerialExecutor loop;
  private final Function<Frame.Wanted, Frame.Answer> answers;
  private final Counts counts;
  private final Map<Place, Frame.Wanted> waiting = new LinkedHashMap<>();
  private int waitingBytes;
  private boolean turnDue;

  PrefetchAnswers(
      PeerConnection connection,
      SerialExecutor loop,
      Function<Frame.Wanted, Frame.Answer> answers,
      Counts counts) {
    this.connection = connection;
    this.loop = loop;
    this.answers = answers;
    this.counts = counts;
  }

  /** Takes in what there is room for. The peer need not wait for the rest: it is not held. */
  void add(Frame.Fetch fetch) {
    var turnedAway = new ArrayList<Frame.Answer>();
    for (Frame.Wanted wanted : fetch.wanted()) {
      if (waitingBytes + bytesOf(wanted.key()) > MAX_WAITING_BYTES) {
        turnedAway.add(new Frame.Answer.NotHeld(wanted.key()));
      } else if (waiting.putIfAbsent(new Place(fetch.requestId(), wanted.key()), wanted) == null) {
        waits(bytesOf(wanted.key()));
      }
    }
    if (!turnedAway.isEmpty()) {
      counts.prefetchesTurnedAway(turnedAway.size());
      reply(fetch.requestId(), turnedAway);
    }
    goOn();
  }

  /** A read waits for it there: it is answered before all others, unless it was already. */
  void hurry(Frame.Hurry hurry) {
    Frame.Wanted wanted = remove(new Place(hurry.requestId(), hurry.key()));
    if (wanted != null) {
      reply(hurry.requestId(), List.of(answers.apply(wanted)));
    }
  }

  void forget(Frame.Forget forget) {
    forget.keys().forEach(key -> remove(new Place(forget.requestId(), key)));
  }

  /** Goes on in a turn of its own, behind what the peer has asked for meanwhile. */
  void goOn() {
    if (!turnDue && !waiting.isEmpty()) {
      turnDue = true;
      loop.execute(this::turn);
    }
  }

  private void turn() {
    turnDue = false;
    // If other data waits, the connection says when it has left.
    if (!waiting.isEmpty() && connection.isDrained()) {
      answerSome();
      goOn();
    }
  }

  /** Of one request. */
  private void answerSome() {
    Iterator<Map.Entry<Place, Frame.Wanted>> each = waiting.entrySet().iterator();
    Map.Entry<Place, Frame.Wanted> next = each.next();
    long requestId = next.getKey().requestId();
    var some = new ArrayList<Frame.Answer>();
    int bytes = 0;
    while (next != null) {
      each.remove();
      waits(-bytesOf(next.getKey().key()));
      Frame.Answer answer = answers.apply(next.getValue());
      some.add(answer);
      bytes += PeerSession.estimatedBytes(answer);
      next = bytes < REPLY_BYTES && each.hasNext() ? each.next() : null;
      if (next != null && next.getKey().requestId() != requestId) {
        next = null;
      }
    }
    reply(requestId, some);
  }

  private void reply(long requestId, List<Frame.Answer> some) {
    if (!connection.send(new Frame.FetchReply(requestId, some))) {
      counts.replyDropped();
    }
  }

  private Frame.@Nullable Wanted remove(Place place) {
    Frame.Wanted wanted = waiting.remove(place);
    if (wanted != null) {
      waits(-bytesOf(place.key()));
    }
    return wanted;
  }

  private void waits(int moreBytes) {
    waitingBytes += moreBytes;
    counts.prefetchesWait(moreBytes);
  }

  private static int bytesOf(Key key) {
    return KEY_OVERHEAD_BYTES + key.utf8Length();
  }

  /** Of heap, by estimate. */
  int waitingBytes() {
    return waitingBytes;
  }

  void close() {
    waiting.clear();
    waits(-waitingBytes);
  }
}
