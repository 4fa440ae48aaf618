package io.metafabric.core.transport;

import io.metafabric.core.wire.Frame;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Remembers what it was told, and what it should not have been told. Thread-safe. */
public final class RecordingHandler implements PeerHandler {
  private final Consumer<PeerConnection> whenOpen;
  private final BiConsumer<PeerConnection, Frame> whenFrame;
  private final AtomicBoolean inCall = new AtomicBoolean();
  private final List<Frame> frames = new ArrayList<>();
  private final List<String> closings = new ArrayList<>();
  private final List<String> violations = new ArrayList<>();
  private @Nullable PeerConnection connection;
  private int writable;

  public RecordingHandler() {
    this(connection -> {}, (connection, frame) -> {});
  }

  public RecordingHandler(
      Consumer<PeerConnection> whenOpen, BiConsumer<PeerConnection, Frame> whenFrame) {
    this.whenOpen = whenOpen;
    this.whenFrame = whenFrame;
  }

  @Override
  public void onOpen(PeerConnection opened) {
    called(
        "onOpen",
        () -> {
          synchronized (this) {
            check(connection == null, "opened twice");
            connection = opened;
          }
          whenOpen.accept(opened);
        });
  }

  @Override
  public void onFrame(PeerConnection from, Frame frame) {
    called(
        "onFrame",
        () -> {
          synchronized (this) {
            check(from == connection, "a frame of another connection");
            frames.add(frame);
          }
          whenFrame.accept(from, frame);
        });
  }

  @Override
  public void onWritable(PeerConnection from) {
    called(
        "onWritable",
        () -> {
          synchronized (this) {
            check(from == connection, "writable without being open");
            writable++;
          }
        });
  }

  @Override
  public void onClosed(@Nullable PeerConnection closed, String reason) {
    called(
        "onClosed",
        () -> {
          synchronized (this) {
            check(closed == connection, "onClosed must name the connection that was opened");
            closings.add(reason);
          }
        });
  }

  private void called(String what, Runnable body) {
    synchronized (this) {
      check(inCall.compareAndSet(false, true), what + " came during another call");
      check(closings.isEmpty(), what + " came after onClosed");
    }
    try {
      body.run();
    } finally {
      inCall.set(false);
    }
  }

  private void check(boolean ok, String violation) {
    if (!ok) {
      violations.add(violation);
    }
  }

  public synchronized boolean isOpen() {
    return connection != null && closings.isEmpty();
  }

  public synchronized boolean isClosed() {
    return !closings.isEmpty();
  }

  /** Fails if {@code onOpen} has not come. */
  public synchronized PeerConnection connection() {
    if (connection == null) {
      throw new AssertionError("the connection has not been opened");
    }
    return connection;
  }

  public synchronized boolean wasOpened() {
    return connection != null;
  }

  public synchronized List<Frame> frames() {
    return List.copyOf(frames);
  }

  public synchronized int writableCalls() {
    return writable;
  }

  /** The reasons of all {@code onClosed} calls; the contract allows one. */
  public synchronized List<String> closings() {
    return List.copyOf(closings);
  }

  public synchronized List<String> violations() {
    return List.copyOf(violations);
  }
}
