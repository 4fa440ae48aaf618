package io.metafabric.procs;

import com.sun.management.UnixOperatingSystemMXBean;
import io.netty.util.internal.PlatformDependent;
import java.io.File;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.stream.Collectors;

/** What a process holds at one moment, by kind. As a line it is one word. */
record Usage(Map<Kind, Long> held) {
  /** With how much more of each is allowed, by {@link Growth}, after hours than after minutes. */
  enum Kind {
    /** Bytes that are left by a collection. */
    HEAP(new Growth(3 << 20, 20)),
    /** Bytes of direct buffers. */
    DIRECT(new Growth(1 << 20, 20)),
    /** Bytes that Netty has taken beside those. */
    NETTY(new Growth(1 << 20, 20)),
    THREADS(new Growth(3, 0)),
    DESCRIPTORS(new Growth(8, 0)),
    /** Bytes of the files in the directory of the fabric. */
    DISK(new Growth(2 << 20, 20));

    final Growth growth;

    Kind(Growth growth) {
      this.growth = growth;
    }
  }

  /**
   * Of this process, after a collection.
   *
   * @param directory of its fabric
   */
  static Usage now(Path directory) {
    System.gc();
    var held = new EnumMap<Kind, Long>(Kind.class);
    held.put(Kind.HEAP, leftByTheCollection());
    held.put(
        Kind.DIRECT,
        ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
            .filter(pool -> pool.getName().equals("direct"))
            .mapToLong(BufferPoolMXBean::getMemoryUsed)
            .sum());
    held.put(Kind.NETTY, Math.max(0, PlatformDependent.usedDirectMemory()));
    held.put(Kind.THREADS, (long) ManagementFactory.getThreadMXBean().getThreadCount());
    held.put(
        Kind.DESCRIPTORS,
        ManagementFactory.getPlatformMXBean(UnixOperatingSystemMXBean.class)
            .getOpenFileDescriptorCount());
    held.put(Kind.DISK, bytesIn(directory.toFile()));
    return new Usage(held);
  }

  /** What has been allocated since does not count. */
  private static long leftByTheCollection() {
    return ManagementFactory.getMemoryPoolMXBeans().stream()
        .filter(pool -> pool.getType() == MemoryType.HEAP && pool.getCollectionUsage() != null)
        .mapToLong(Usage::leftIn)
        .sum();
  }

  private static long leftIn(MemoryPoolMXBean pool) {
    return pool.getCollectionUsage().getUsed();
  }

  /** Files come and go meanwhile; what is not there any more has none. */
  private static long bytesIn(File file) {
    File[] inside = file.listFiles();
    return inside == null ? file.length() : Arrays.stream(inside).mapToLong(Usage::bytesIn).sum();
  }

  long of(Kind kind) {
    return held.get(kind);
  }

  static Usage parse(String line) {
    long[] each = Arrays.stream(line.split(",", -1)).mapToLong(Long::parseLong).toArray();
    var held = new EnumMap<Kind, Long>(Kind.class);
    for (Kind kind : Kind.values()) {
      held.put(kind, each[kind.ordinal()]);
    }
    return new Usage(held);
  }

  @Override
  public String toString() {
    return Arrays.stream(Kind.values())
        .map(kind -> held.get(kind).toString())
        .collect(Collectors.joining(","));
  }
}
