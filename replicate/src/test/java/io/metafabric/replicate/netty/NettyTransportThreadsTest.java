package io.metafabric.replicate.netty;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.transport.PeerAddress;
import io.metafabric.core.transport.RecordingHandler;
import io.metafabric.core.transport.TestFrames;
import io.metafabric.core.transport.TransportLimits;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

class NettyTransportThreadsTest {
  private static final TransportLimits LIMITS =
      new TransportLimits(256 * 1024, 64 * 1024, 4 * 1024, 64 * 1024);

  @AfterAll
  static void noBufferLeaked() {
    RecordingLeakDetector.assertNoLeaks();
  }

  @Test
  void twentyOpeningsAndClosingsLeaveNoThread() {
    try (var world = new SocketWorld()) {
      var callbacks = world.newExecutor("host");
      runOn(callbacks, world);
      Set<Thread> before = threads();
      for (int i = 0; i < 20; i++) {
        openTalkAndClose(world, callbacks);
        assertThat(threads()).as("after opening and closing %d times", i + 1).isEqualTo(before);
      }
    }
  }

  @Test
  void closedTransportsLeaveNoDirectMemory() {
    try (var world = new SocketWorld()) {
      var callbacks = world.newExecutor("host");
      openTalkAndClose(world, callbacks);
      long before = directBytes();
      for (int i = 0; i < 20; i++) {
        openTalkAndClose(world, callbacks);
      }
      if (Runtime.version().feature() < 24) {
        assertThat(directBytes()).isEqualTo(before);
        return;
      }
      // From JDK 24 on Netty may not free direct memory by hand; a collection must find it free.
      world.runUntil(
          "the collector has found it free",
          () -> {
            System.gc();
            return directBytes() <= before;
          });
    }
  }

  @Test
  void theOneThreadIsNamedAfterTheFabric() {
    try (var world = new SocketWorld();
        var transport = world.newTransport("paris-1", LIMITS, world.newExecutor("host"))) {
      transport.listen(world.anyAddress("host"), connection -> new RecordingHandler());
      assertThat(threads()).extracting(Thread::getName).contains("metafabric-paris-1-net");
    }
  }

  @Test
  void aTransportThatWasNeverUsedCloses() {
    try (var world = new SocketWorld()) {
      Set<Thread> before = threads();
      world.newTransport("unused", LIMITS, world.newExecutor("host")).close();
      assertThat(threads()).isEqualTo(before);
    }
  }

  private static void openTalkAndClose(SocketWorld world, Executor callbacks) {
    var accepted = new RecordingHandler();
    var dialled = new RecordingHandler();
    var failed = new RecordingHandler();
    try (var server = world.newTransport("a", LIMITS, callbacks);
        var client = world.newTransport("b", LIMITS, callbacks)) {
      PeerAddress address = server.listen(world.anyAddress("a"), connection -> accepted);
      client.connect(address, dialled);
      client.connect(world.deadAddress(), failed);
      world.runUntil("it is open", dialled::isOpen);
      dialled.connection().send(TestFrames.data(1, 10_000));
      world.runUntil("it has arrived", () -> accepted.frames().size() == 1);
      world.runUntil("the other has failed", failed::isClosed);
    }
    world.runUntil("both know", () -> accepted.isClosed() && dialled.isClosed());
  }

  private static long directBytes() {
    return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
        .filter(pool -> pool.getName().equals("direct"))
        .mapToLong(BufferPoolMXBean::getMemoryUsed)
        .sum();
  }

  /** Makes the executor start its thread. */
  private static void runOn(Executor executor, SocketWorld world) {
    var done = new AtomicBoolean();
    executor.execute(() -> done.set(true));
    world.runUntil("the executor runs", done::get);
  }

  private static Set<Thread> threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(Thread::isAlive)
        .collect(Collectors.toSet());
  }
}
