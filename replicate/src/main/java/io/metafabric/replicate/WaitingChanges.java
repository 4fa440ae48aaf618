package io.metafabric.replicate;

import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.transport.PeerConnection;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * What one peer has sent and waits for the disk, in bytes. A peer that goes back to what is
 * acknowledged may count less than what waits here, for what it reads again can say the same in
 * fewer changes, and then sends more than there is room for. It is asked for that when half of the
 * room is free again: asked at once, it would send all of it, in vain, for as long as the disk
 * takes. Belongs to the loop, but for what says otherwise.
 */
final class WaitingChanges {
  private record Refused(PeerConnection from, Runnable ask) {}

  private final long windowBytes;
  private final SerialExecutor loop;
  private final AtomicLong bytes = new AtomicLong();
  private volatile @Nullable Refused refused;

  WaitingChanges(long windowBytes, SerialExecutor loop) {
    this.windowBytes = windowBytes;
    this.loop = loop;
  }

  /** Any thread. */
  long bytes() {
    return bytes.get();
  }

  /**
   * A sender counts a batch as sent before its credit is used up, so there is one beyond it.
   *
   * @return whether there was room
   */
  boolean take(long more) {
    if (bytes.get() > windowBytes) {
      return false;
    }
    refused = null;
    bytes.addAndGet(more);
    return true;
  }

  /**
   * There was no room for what came.
   *
   * @param ask has it sent again
   */
  void refuse(PeerConnection from, Runnable ask) {
    refused = new Refused(from, ask);
    // What was given back meanwhile was given back by somebody who saw nothing refused.
    askIfThereIsRoom();
  }

  /** Whether what is missing before that which comes over this connection is asked for in time. */
  boolean willAsk(PeerConnection from) {
    Refused latest = refused;
    return latest != null && latest.from().equals(from);
  }

  /** Any thread. */
  void giveBack(long less) {
    bytes.addAndGet(-less);
    askIfThereIsRoom();
  }

  private void askIfThereIsRoom() {
    if (refused != null && isHalfFree()) {
      loop.execute(this::ask);
    }
  }

  private boolean isHalfFree() {
    return bytes.get() <= windowBytes / 2;
  }

  private void ask() {
    Refused latest = refused;
    if (latest != null && isHalfFree()) {
      refused = null;
      latest.ask().run();
    }
  }
}
