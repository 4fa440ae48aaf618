package io.metafabric.core.journal;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class FrameCacheTest {
  private static final long CACHE_BYTES = 64 << 10;

  /** What a frame of this name has, of a length that follows from it too. */
  private static ByteBuffer frame(long name, int maxLength) {
    var random = new Random(name);
    var bytes = new byte[1 + random.nextInt(maxLength)];
    random.nextBytes(bytes);
    return ByteBuffer.wrap(bytes);
  }

  private static int countKept(FrameCache cache, int from, int to, int maxLength) {
    int kept = 0;
    for (int name = from; name < to; name++) {
      ByteBuffer found = cache.get(name);
      if (found != null) {
        assertThat(found).isEqualTo(frame(name, maxLength));
        kept++;
      }
    }
    return kept;
  }

  @Test
  void theNewestAreKept_manyTimesRound_andNothingElseIsEverFound() {
    var cache = new FrameCache(CACHE_BYTES);
    for (int name = 1; name <= 5_000; name++) {
      assertThat(cache.get(name)).isNull();
      ByteBuffer bytes = frame(name, 400);
      cache.add(name, bytes);
      assertThat(bytes.position()).isZero();
      assertThat(cache.get(name)).isEqualTo(bytes);
      assertThat(cache.bytes()).isLessThanOrEqualTo(cache.maxBytes());
    }
    // About 220 bytes each: 64 KiB have room for 280 and more.
    assertThat(countKept(cache, 4_801, 5_001, 400)).isGreaterThan(190);
    assertThat(countKept(cache, 1, 4_500, 400)).isZero();
    assertThat(cache.maxBytes()).isLessThanOrEqualTo(CACHE_BYTES * 9 / 8);
  }

  @Test
  void memoryIsTakenAsItFills() {
    var cache = new FrameCache(64 << 20);
    assertThat(cache.bytes()).isLessThan(1_000);
    cache.add(1, frame(1, 400));
    assertThat(cache.bytes()).isBetween(1L << 20, 2L << 20);
    for (int name = 2; name <= 30_000; name++) {
      cache.add(name, frame(name, 400));
    }
    // Little is lost while there is room: where nine meet in a bucket.
    assertThat(countKept(cache, 1, 30_001, 400)).isGreaterThan(29_000);
    assertThat(cache.bytes()).isBetween(6L << 20, 12L << 20);
  }

  @Test
  void whatIsTooLarge_isNotKept_andWithoutMemoryNothingIs() {
    var cache = new FrameCache(CACHE_BYTES);
    cache.add(1, ByteBuffer.allocate(2_000));
    assertThat(cache.get(1)).isNull();
    var none = new FrameCache(1_000);
    none.add(1, ByteBuffer.allocate(10));
    assertThat(none.get(1)).isNull();
    assertThat(none.bytes()).isLessThan(1_000);
  }

  /** 64 of a quarter of a chunk each, headers included, fill it to the byte. */
  @Test
  void asMuchAsItHasRoomFor_isKept_andTheOldestGoesFirst() {
    var cache = new FrameCache(CACHE_BYTES);
    int quarter = 4096 / 4 - 16;
    for (int name = 1; name <= 64; name++) {
      cache.add(name, of(name, quarter));
    }
    for (int name = 1; name <= 64; name++) {
      assertThat(cache.get(name)).as("%d", name).isEqualTo(of(name, quarter));
    }
    for (int name = 65; name <= 500; name++) {
      cache.add(name, of(name, quarter));
      assertThat(cache.get(name - 64)).as("%d is gone", name - 64).isNull();
      assertThat(cache.get(name - 63)).isEqualTo(of(name - 63, quarter));
    }
    cache.add(1_000, of(1, quarter + 1));
    assertThat(cache.get(1_000)).as("more than a quarter").isNull();
    assertThat(cache.bytes())
        .as("the ring, and a place for every 128 bytes of it")
        .isBetween(CACHE_BYTES + 8 * CACHE_BYTES / 128, cache.maxBytes());
  }

  private static ByteBuffer of(int name, int length) {
    var bytes = new byte[length];
    Arrays.fill(bytes, (byte) name);
    return ByteBuffer.wrap(bytes);
  }

  @Test
  void aPartOfABuffer_isKeptAsItIs() {
    var cache = new FrameCache(CACHE_BYTES);
    ByteBuffer part = of(3, 100).position(10).limit(17);
    cache.add(1, part);
    assertThat(cache.get(1)).isEqualTo(of(3, 7));
    assertThat(part.position()).isEqualTo(10);
    assertThat(part.limit()).isEqualTo(17);
    cache.add(2, ByteBuffer.allocate(0));
    assertThat(cache.get(2)).isEqualTo(ByteBuffer.allocate(0));
  }

  @Test
  void belowTheLeastMemory_nothingIsKept() {
    for (long bytes : new long[] {CACHE_BYTES - 1, CACHE_BYTES}) {
      var cache = new FrameCache(bytes);
      cache.add(1, of(1, 10));
      assertThat(cache.get(1) != null).as("%d", bytes).isEqualTo(bytes == CACHE_BYTES);
    }
  }

  @Tag("races")
  @Test
  void readersBesideWriters_findWholeFramesOrNothing() throws Exception {
    var cache = new FrameCache(CACHE_BYTES);
    var threads = Executors.newFixedThreadPool(4);
    try {
      var tasks = new ArrayList<Callable<Integer>>();
      for (int seed = 0; seed < 4; seed++) {
        var random = new Random(seed);
        tasks.add(
            () -> {
              int found = 0;
              for (int i = 0; i < 60_000; i++) {
                long name = 1 + random.nextInt(600);
                ByteBuffer here = cache.get(name);
                if (here == null) {
                  cache.add(name, frame(name, 400));
                } else if (here.equals(frame(name, 400))) {
                  found++;
                } else {
                  throw new AssertionError("frame " + name + " is another");
                }
              }
              return found;
            });
      }
      List<Future<Integer>> all = threads.invokeAll(tasks);
      for (Future<Integer> each : all) {
        assertThat(each.get()).isPositive();
      }
    } finally {
      threads.shutdownNow();
    }
  }
}
