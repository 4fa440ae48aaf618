package io.metafabric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.awaitility.Awaitility.await;

import io.metafabric.core.transport.FreePorts;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class OpenAndCloseTest {
  private static final int WARM_UP = 3;
  private static final int ROUNDS = 50;

  @TempDir Path directory;

  @Test
  @Timeout(60)
  void fiftyRounds_leaveNoThread_noDescriptor_noBuffer_noLock_andNoPort() throws Exception {
    List<Integer> ports = FreePorts.take(2);
    for (int i = 0; i < WARM_UP; i++) {
      round(ports, true);
    }
    Set<String> threadsBefore = threads();
    long descriptorsBefore = descriptors();
    long directBefore = directBytes();
    assertThat(threadsBefore).isEmpty();

    for (int i = 0; i < ROUNDS; i++) {
      round(ports, i % 10 == 0);
      assertThat(threads()).as("threads after round " + i).isEmpty();
    }

    // Those of the test's own tools come and go; a leak of one a round is 50.
    await()
        .atMost(Duration.ofSeconds(10))
        .untilAsserted(
            () -> {
              // The index's memory is the collector's to give back: Java 17 has no other way.
              System.gc();
              assertThat(directBytes()).isLessThanOrEqualTo(directBefore + (256 << 10));
              assertThat(descriptors()).isLessThan(descriptorsBefore + ROUNDS / 5);
            });
    Assumptions.assumeTrue(
        descriptorsBefore > 0, "OPEN DESCRIPTORS WERE NOT CHECKED: there is no /proc/self/fd here");
  }

  /** The same directories and the same ports, at once. */
  private void round(List<Integer> ports, boolean untilInSync) throws Exception {
    try (var eu = open("eu", "us", ports.get(0), ports.get(1));
        var us = open("us", "eu", ports.get(1), ports.get(0))) {
      eu.put("n/1", ThreeFabricsTest.utf8("one"));
      us.put("n/2", ThreeFabricsTest.utf8("two"));
      if (untilInSync) {
        ThreeFabricsTest.awaitSync(eu, us);
      }
      assertThat(eu.get("n/1")).isPresent();
    }
    for (int port : ports) {
      try (var socket = new ServerSocket()) {
        socket.setReuseAddress(true);
        assertThatCode(() -> socket.bind(new InetSocketAddress("127.0.0.1", port)))
            .doesNotThrowAnyException();
      }
    }
  }

  private MetadataFabric open(String here, String there, int port, int otherPort) {
    return MetadataFabric.builder()
        .region(here)
        .directory(directory.resolve(here))
        .listen("127.0.0.1:" + port)
        .peer(there, "127.0.0.1:" + otherPort)
        .open();
  }

  static Set<String> threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .map(Thread::getName)
        .filter(name -> name.startsWith("metafabric-"))
        .collect(Collectors.toSet());
  }

  private static long descriptors() throws Exception {
    Path all = Path.of("/proc/self/fd");
    if (!Files.isDirectory(all)) {
      return -1;
    }
    try (var files = Files.list(all)) {
      return files.count();
    }
  }

  private static long directBytes() {
    return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
        .filter(pool -> pool.getName().equals("direct"))
        .mapToLong(BufferPoolMXBean::getMemoryUsed)
        .sum();
  }

  @Test
  void aSecondClose_doesNothing() {
    var fabric = MetadataFabric.builder().directory(directory).open();
    fabric.close();
    assertThatCode(fabric::close).doesNotThrowAnyException();
  }
}
