package io.metafabric.replicate.netty;

import java.util.ArrayDeque;
import java.util.concurrent.Executor;
import java.util.function.Consumer;

/**
 * What a handler is still to be told, in order and one at a time, on the callbacks' executor.
 * Thread-safe.
 *
 * <p>Frames are charged in bytes, and above the bound {@link #isFull} asks the reader to pause; all
 * else that is added is a handful of calls at most.
 */
final class Inbox {
  /** What a waiting frame costs beside its bytes. */
  private static final int CALL_OVERHEAD_BYTES = 64;

  /** Calls in one turn, after which other connections and timers of the executor have theirs. */
  private static final int CALLS_PER_TURN = 64;

  private record Call(Runnable run, int charge) {}

  private final Executor callbacks;
  private final Runnable resumeReading;
  private final Consumer<Throwable> handlerFailed;

  private final ArrayDeque<Call> calls = new ArrayDeque<>();
  private int boundBytes;
  private long chargedBytes;
  private boolean full;
  private boolean turnGiven;
  private boolean ended;

  Inbox(
      Executor callbacks,
      int boundBytes,
      Runnable resumeReading,
      Consumer<Throwable> handlerFailed) {
    this.callbacks = callbacks;
    this.boundBytes = boundBytes;
    this.resumeReading = resumeReading;
    this.handlerFailed = handlerFailed;
  }

  void addFrame(int bytes, Runnable call) {
    add(new Call(call, bytes + CALL_OVERHEAD_BYTES), false);
  }

  void add(Runnable call) {
    add(new Call(call, 0), false);
  }

  /** The last call; what comes later is dropped. */
  void end(Runnable call) {
    add(new Call(call, 0), true);
  }

  /** Frames that wait will not be wanted any more. */
  synchronized void dropFrames() {
    calls.stream().mapToInt(Call::charge).forEach(charge -> chargedBytes -= charge);
    calls.removeIf(call -> call.charge > 0);
  }

  /** Whoever is known may let more wait. */
  synchronized void bound(int bytes) {
    boundBytes = bytes;
  }

  synchronized long waitingBytes() {
    return chargedBytes;
  }

  /** Whether reading should pause until {@code resumeReading} is called. */
  synchronized boolean isFull() {
    return full;
  }

  private void add(Call call, boolean last) {
    synchronized (this) {
      if (ended) {
        return;
      }
      ended = last;
      calls.add(call);
      chargedBytes += call.charge;
      full |= chargedBytes > boundBytes;
      if (turnGiven) {
        return;
      }
      turnGiven = true;
    }
    callbacks.execute(this::turn);
  }

  private void turn() {
    try {
      for (int i = 0; i < CALLS_PER_TURN && callNext(); i++) {}
    } finally {
      if (keepsTurn()) {
        callbacks.execute(this::turn);
      }
    }
  }

  private boolean callNext() {
    Call call;
    boolean resume;
    synchronized (this) {
      call = calls.poll();
      if (call == null) {
        return false;
      }
    }
    try {
      call.run.run();
    } catch (RuntimeException | Error e) {
      // Whatever it is, frames after it must not be taken as if it had been: the connection ends.
      handlerFailed.accept(e);
    }
    synchronized (this) {
      chargedBytes -= call.charge; // after the call, because until then the frame is held
      resume = full && chargedBytes <= boundBytes / 2;
      full &= !resume;
    }
    if (resume) {
      resumeReading.run();
    }
    return true;
  }

  private synchronized boolean keepsTurn() {
    turnGiven = !calls.isEmpty();
    return turnGiven;
  }
}
