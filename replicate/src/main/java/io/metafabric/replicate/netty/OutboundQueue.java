package io.metafabric.replicate.netty;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Encoded frames of one connection that are not written yet. Thread-safe.
 *
 * <p>Control frames go first, and have room of their own: an acknowledgement or a heartbeat never
 * waits for data. Each kind keeps its order. Room is given back when the bytes have left for the
 * socket, not when they leave here.
 */
final class OutboundQueue {
  /** What a waiting frame costs beside its bytes. */
  static final int FRAME_OVERHEAD_BYTES = 64;

  private static final class Waiting {
    final byte[] encoded;
    final boolean control;

    Waiting(byte[] encoded, boolean control) {
      this.encoded = encoded;
      this.control = control;
    }

    int charge() {
      return encoded.length + FRAME_OVERHEAD_BYTES;
    }
  }

  /** Frames to be written together. */
  record Batch(List<byte[]> frames, int bytes, long dataCharge, long controlCharge) {}

  private final Budget data;
  private final Budget control;
  private final ArrayDeque<Waiting> waitingData = new ArrayDeque<>();
  private final ArrayDeque<Waiting> waitingControl = new ArrayDeque<>();
  private boolean writerCalled;
  private boolean closed;

  /** Whether someone is to be told once no data is left. */
  private boolean drainAwaited;

  OutboundQueue(int dataBytes, int controlBytes) {
    data = new Budget(dataBytes);
    control = new Budget(controlBytes);
  }

  enum Offer {
    /** Taken; the writer knows that there is something. */
    TAKEN,
    /** Taken, and the writer must be called. */
    CALL_WRITER,
    FULL,
    CLOSED
  }

  /** Whether a frame would be refused whatever its size, so that encoding it can be spared. */
  synchronized boolean isFull(boolean isControl) {
    return !closed && budget(isControl).isFull();
  }

  /**
   * Whether all data has left. If not, {@link #release} says when someone should be told that it
   * has.
   */
  synchronized boolean isDrained() {
    boolean drained = data.usedBytes() == 0;
    drainAwaited |= !drained;
    return drained;
  }

  synchronized Offer offer(byte[] encoded, boolean isControl) {
    if (closed) {
      return Offer.CLOSED;
    }
    var frame = new Waiting(encoded, isControl);
    if (!budget(isControl).take(frame.charge())) {
      return Offer.FULL;
    }
    (isControl ? waitingControl : waitingData).add(frame);
    if (writerCalled) {
      return Offer.TAKEN;
    }
    writerCalled = true;
    return Offer.CALL_WRITER;
  }

  /** Taken and not left, with what each frame costs beside its bytes. */
  synchronized long waitingBytes() {
    return data.usedBytes() + control.usedBytes();
  }

  /** The writer has come; from now on it is called anew. */
  synchronized void writerCame() {
    writerCalled = false;
  }

  /** The next frames, at least one if any waits, otherwise at most {@code maxBytes}. */
  synchronized @Nullable Batch poll(int maxBytes) {
    var frames = new ArrayList<byte[]>();
    int bytes = 0;
    long dataCharge = 0;
    long controlCharge = 0;
    for (var from = first(); from != null; from = first()) {
      Waiting next = from.element();
      if (bytes > 0 && bytes + next.encoded.length > maxBytes) {
        break;
      }
      from.remove();
      frames.add(next.encoded);
      bytes += next.encoded.length;
      if (next.control) {
        controlCharge += next.charge();
      } else {
        dataCharge += next.charge();
      }
    }
    return frames.isEmpty() ? null : new Batch(frames, bytes, dataCharge, controlCharge);
  }

  private @Nullable ArrayDeque<Waiting> first() {
    if (!waitingControl.isEmpty()) {
      return waitingControl;
    }
    return waitingData.isEmpty() ? null : waitingData;
  }

  /**
   * The batch has left.
   *
   * @return whether a sender that was refused should be told that there is room, or one that found
   *     data waiting that there is none any more
   */
  synchronized boolean release(Batch batch) {
    boolean dataRoom = data.release(batch.dataCharge);
    boolean controlRoom = control.release(batch.controlCharge);
    boolean drained = drainAwaited && data.usedBytes() == 0;
    drainAwaited &= !drained;
    return !closed && (dataRoom || controlRoom || drained);
  }

  /** Takes no more; what waits can still be polled. */
  synchronized void refuseMore() {
    closed = true;
  }

  synchronized void clear() {
    closed = true;
    waitingData.clear();
    waitingControl.clear();
  }

  private Budget budget(boolean isControl) {
    return isControl ? control : data;
  }
}
