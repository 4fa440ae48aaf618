package io.metafabric.core.index;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.port.DiskFile;
import io.metafabric.core.sim.SimDisk;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A table's pages: what they take, how they are written and read, and what is asked of its slots.
 */
class SlotPagesTest {
  private static final int PAGE = PagePool.PAGE_BYTES;
  private static final long OFFSET = 1000;

  private final PagePool pool = new PagePool();
  private final SlotTable table = new SlotTable(pool);
  private final SimDisk disk = new SimDisk(1);
  private final DiskFile file = disk.open("pages");

  private void fill(int slots) {
    for (int i = 1; i <= slots; i++) {
      table.insert(i * 0x9e3779b9, i, -i);
    }
  }

  private static ByteBuffer room(int pages) {
    return ByteBuffer.allocate(pages * PAGE);
  }

  private static List<Long> words(SlotTable table, int fingerprint) {
    long[] words = new long[2 * table.copyMatches(fingerprint, new long[0])];
    assertThat(table.copyMatches(fingerprint, words)).isEqualTo(words.length / 2);
    var list = new ArrayList<Long>();
    for (long each : words) {
      list.add(each);
    }
    return list;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 7, 100})
  void whatIsWritten_isRead_howeverManyPagesAtATime(int atATime) {
    fill(2000);
    int pages = table.usedPages();
    assertThat(pages).isBetween(10, 20);
    assertThat(table.bytes()).isEqualTo((long) pages * PAGE);
    table.writeTo(file, OFFSET, room(atATime));
    assertThat(file.sizeBytes()).isEqualTo(OFFSET + (long) pages * PAGE);
    int crc = table.crc32c();

    var again = new SlotTable(new PagePool());
    assertThat(again.readFrom(file, OFFSET, pages, table.used(), crc, room(atATime))).isTrue();
    assertThat(again.used()).isEqualTo(2000);
    assertThat(again.slots()).isEqualTo(table.slots());
    assertThat(again.crc32c()).isEqualTo(crc);
    for (int i = 1; i <= 2000; i++) {
      assertThat(words(again, i * 0x9e3779b9)).containsExactly((long) i, (long) -i);
    }
    again.insert(5, 6, 7);
    assertThat(words(again, 5)).containsExactly(6L, 7L);
    assertThat(SlotTable.hasChecksum(crc, file, OFFSET, (long) pages * PAGE, room(atATime)))
        .isTrue();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 100})
  void whatIsOther_orMissing_isNotTaken(int atATime) {
    fill(2000);
    int pages = table.usedPages();
    long bytes = (long) pages * PAGE;
    int crc = table.crc32c();
    table.writeTo(file, OFFSET, room(atATime));
    for (long at : new long[] {0, PAGE, bytes - 1}) {
      Runnable mended = disk.damage("pages", OFFSET + at);
      assertThat(SlotTable.hasChecksum(crc, file, OFFSET, bytes, room(atATime))).isFalse();
      assertThat(readInto(pages, crc, atATime)).isFalse();
      mended.run();
    }
    assertThat(readInto(pages, crc, atATime)).isTrue();
    assertThat(SlotTable.hasChecksum(crc + 1, file, OFFSET, bytes, room(atATime))).isFalse();
    file.truncate(OFFSET + bytes - 1);
    assertThat(readInto(pages, crc, atATime)).isFalse();
    assertThat(SlotTable.hasChecksum(crc, file, OFFSET, bytes, room(atATime))).isFalse();
  }

  private boolean readInto(int pages, int crc, int atATime) {
    return new SlotTable(new PagePool()).readFrom(file, OFFSET, pages, 2000, crc, room(atATime));
  }

  @Test
  void anEmptyTable_hasNothingToWrite() {
    assertThat(table.usedPages()).isZero();
    table.writeTo(file, OFFSET, room(1));
    assertThat(file.sizeBytes()).isZero();
    table.insert(1, 1, 1);
    assertThat(table.usedPages()).isEqualTo(1);
    table.remove(table.find(1));
    assertThat(table.usedPages()).isZero();
    assertThat(table.used()).isZero();
  }

  @Test
  void aTableGrows_onceItIsFull_byAFewPages() {
    int before = table.slots();
    assertThat(before).isEqualTo(SlotTable.SLOTS_PER_PAGE);
    for (int i = 1; i <= 20_000; i++) {
      table.insert(i * 0x9e3779b9, i, i);
      assertThat(table.used()).isEqualTo(i);
      double load = i / (double) table.slots();
      assertThat(load).isLessThanOrEqualTo(0.84);
      if (table.slots() > before) {
        assertThat((double) table.slots())
            .isLessThanOrEqualTo(Math.max(before * 1.2, before) + SlotTable.SLOTS_PER_PAGE);
        assertThat(load).as("it was full before").isGreaterThan(0.84 / 2 - 0.01);
        before = table.slots();
      }
    }
    assertThat(20_000 / (double) table.slots()).isGreaterThan(0.65);
    assertThat(pool.bytes()).isLessThanOrEqualTo(2 * table.bytes() + (512 << 10));
  }

  @Test
  void whetherASlotHasAWord_isSaidForItsFingerprintAlone() {
    long mask = ~(1L << 62);
    table.insert(5, 1, 100);
    table.insert(5, 1, 7 | 1L << 62);
    table.insert(6, 1, 200);
    table.insert(4, 1, 300);
    assertThat(table.has(5, 100, mask, 0)).isEqualTo(SlotTable.YES);
    assertThat(table.has(5, 7, mask, 0)).isEqualTo(SlotTable.YES);
    assertThat(table.has(5, 7, -1, 0)).isEqualTo(SlotTable.NO);
    assertThat(table.has(5, 200, mask, 0)).isEqualTo(SlotTable.NO);
    assertThat(table.has(5, 300, mask, 0)).isEqualTo(SlotTable.NO);
    assertThat(table.has(5, 200, mask, 100)).isEqualTo(SlotTable.UNSURE);
    assertThat(table.has(5, 200, mask, 7)).isEqualTo(SlotTable.UNSURE);
    assertThat(table.has(5, 100, mask, 7)).as("the one is there").isEqualTo(SlotTable.YES);
    assertThat(table.has(5, 7, mask, 100)).isEqualTo(SlotTable.YES);
    assertThat(table.has(9, 200, mask, 200)).isEqualTo(SlotTable.NO);
    assertThat(table.has(3, 300, mask, 300)).isEqualTo(SlotTable.NO);
  }

  @Test
  void whereThereIsTooLittleRoom_noMoreIsCopied_butAllAreCounted() {
    for (int i = 1; i <= 4; i++) {
      table.insert(5, i, 10 * i);
    }
    long[] two = {-1, -1, -1, -1, -1};
    assertThat(table.copyMatches(5, two)).isEqualTo(4);
    assertThat(two[4]).as("half a slot is none").isEqualTo(-1);
    assertThat(two[1]).isEqualTo(10 * two[0]);
    assertThat(two[3]).isEqualTo(10 * two[2]);
    assertThat(words(table, 5)).hasSize(8);
    assertThat(table.copyMatches(6, two)).isZero();
  }

  @Test
  void mortals_areCounted() {
    table.addMortals(3);
    table.addMortals(-1);
    assertThat(table.mortals()).isEqualTo(2);
  }

  @Test
  void aPage_isOfZeros_alsoOneThatIsUsedAgain() {
    Set<Integer> first = new HashSet<>();
    List<ByteBuffer> taken = new ArrayList<>();
    long bytes = pool.bytes();
    assertThat(bytes).isEqualTo(128 * PAGE);
    for (int i = 1; i < 128; i++) {
      ByteBuffer page = pool.take();
      assertThat(page.capacity()).isEqualTo(PAGE);
      for (int at = 0; at < PAGE; at++) {
        assertThat(page.get(at)).isZero();
        page.put(at, (byte) i);
      }
      taken.add(page);
    }
    for (int i = 1; i < 128; i++) {
      first.add((int) taken.get(i - 1).get(PAGE - 1));
    }
    assertThat(first).as("each is its own").hasSize(127);
    assertThat(pool.bytes()).isEqualTo(bytes);
    taken.forEach(pool::give);
    for (int i = 1; i < 128; i++) {
      ByteBuffer again = pool.take();
      assertThat(again.mismatch(ByteBuffer.allocate(PAGE))).isEqualTo(-1);
    }
    assertThat(pool.bytes()).isEqualTo(bytes);
    pool.take();
    assertThat(pool.bytes()).isEqualTo(2 * bytes);
  }
}
