package io.metafabric.replicate;

import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.transport.PeerAddress;
import io.metafabric.core.transport.PeerHandler;
import io.metafabric.core.transport.PeerTransport;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Dials one peer, and again with backoff whenever the connection has ended, until it is stopped; an
 * evicted peer is not dialled. Belongs to the loop.
 */
final class Dialling {
  private final PeerAddress address;
  private final ReplicationConfig config;
  private final PeerTransport transport;
  private final SerialExecutor loop;
  private final RandomGenerator random;
  private final PeerHandler handler;
  private final Runnable tookTooLong;
  private SerialExecutor.@Nullable Task handshakeTimer;
  // Since a connection was of use: one that ends as soon as it was made is a failed attempt too.
  private int failedAttempts;
  private long establishedNanos;
  private boolean stopped;
  private boolean evicted;
  private boolean idle;

  /**
   * @param handler of the connections
   * @param tookTooLong is run when a dialled peer has not shaken hands in time
   */
  Dialling(
      PeerAddress address,
      ReplicationConfig config,
      PeerTransport transport,
      SerialExecutor loop,
      RandomGenerator random,
      PeerHandler handler,
      Runnable tookTooLong) {
    this.address = address;
    this.config = config;
    this.transport = transport;
    this.loop = loop;
    this.random = random;
    this.handler = handler;
    this.tookTooLong = tookTooLong;
  }

  void dial() {
    idle = evicted;
    if (stopped || evicted) {
      return;
    }
    handshakeTimer = loop.schedule(config.handshakeTimeout(), tookTooLong);
    try {
      transport.connect(address, handler);
    } catch (RuntimeException e) {
      // Only a defect gets here, and it must not end the dialling.
      handler.onClosed(null, "cannot connect to " + address + ": " + e);
    }
  }

  /** Nobody waits for a handshake any more: it is done, or the connection has ended. */
  void handshakeEnded() {
    if (handshakeTimer != null) {
      handshakeTimer.cancel();
    }
  }

  void established(long now) {
    establishedNanos = now;
  }

  /** A heartbeat that was sent then has been answered. */
  void answered(long sentNanos) {
    if (sentNanos - establishedNanos >= config.heartbeatEvery().toNanos()) {
      wasOfUse();
    }
  }

  /** If the connection ends now, the next one is tried at once. */
  void wasOfUse() {
    failedAttempts = 0;
  }

  /** The connection has ended, or there was none. */
  void again() {
    loop.schedule(config.backoff().before(failedAttempts++, random), this::dial);
  }

  void stop() {
    stopped = true;
  }

  boolean isStopped() {
    return stopped;
  }

  void evict() {
    evicted = true;
  }

  boolean isEvicted() {
    return evicted;
  }

  void readmit() {
    evicted = false;
    if (idle) {
      dial();
    }
  }
}
