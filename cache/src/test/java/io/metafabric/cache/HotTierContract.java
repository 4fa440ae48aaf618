package io.metafabric.cache;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.store.CurrentDots;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Version;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Test;

/** What every tier in memory keeps beside {@link TierContract}. */
public abstract class HotTierContract extends TierContract {
  protected abstract HotTier<String> newTier(
      long maxBytes, CurrentDots index, WasteListener wasted);

  /** For prefetches that are worth keeping for as long as a test takes. */
  static final long FAR = Long.MAX_VALUE / 2;

  private final Map<Key, Dot> index = new ConcurrentHashMap<>();
  private final List<String> wasted = new ArrayList<>();

  private HotTier<String> tier(long maxBytes) {
    return newTier(
        maxBytes,
        (key, dot) -> dot.equals(index.get(key)),
        (predictor, path, bytes) -> wasted.add(path));
  }

  private MetadataRecord published(String path, int n, int payloadBytes) {
    MetadataRecord record = TestRecords.write(path, n, payloadBytes);
    index.put(record.key(), record.header().version().dot());
    return record;
  }

  @Override
  protected World newWorld() {
    HotTier<String> tier = tier(1 << 20);
    return new World() {
      @Override
      public Tier tier() {
        return tier;
      }

      @Override
      public void publishHeader(MetadataRecord record) {
        index.put(record.key(), record.header().version().dot());
        tier.drop(record.key());
      }

      @Override
      public void close() {
        tier.close();
      }
    };
  }

  @Test
  void theBoundInBytes_holds_andEvictionsAreCounted() {
    try (var tier = tier(64 << 10)) {
      for (int i = 0; i < 500; i++) {
        tier.fill(published("n/" + i, 1, 500));
        assertThat(tier.sizeBytes()).isLessThanOrEqualTo(64 << 10);
      }
      assertThat(tier.stats().evictions()).isPositive();
      assertThat(tier.entries()).isBetween(20L, 70L);
    }
  }

  @Test
  void whatWasWritten_isTakenIn_inPlaceOfWhatWasThere_andOnlyIfItIsTheNewest() {
    try (var tier = tier(64 << 10)) {
      MetadataRecord first = published("n/1", 1, 100);
      tier.written(first);
      assertThat(tier.peek(first.key())).isEqualTo(first);
      MetadataRecord second = published("n/1", 2, 100);
      tier.written(second);
      tier.written(first);
      assertThat(tier.peek(first.key())).isEqualTo(second);
    }
  }

  @Test
  void anEntryThatWouldPushMostOthersOut_isNotTaken() {
    try (var tier = tier(64 << 10)) {
      assertThat(tier.fill(published("n/1", 1, 60 << 10))).isFalse();
      assertThat(tier.stats().rejectedFills()).isEqualTo(1);
    }
  }

  @Test
  void aReaderIsHandedTheView_andAPrefetchedEntryIsClaimedOnce() {
    try (var tier = tier(64 << 10)) {
      tier.fillPrefetched(published("n/1", 1, 10), "oracle", FAR);
      HotEntry<String> entry = tier.hit("n/1");
      assertThat(entry).isNotNull();
      assertThat(entry.view()).hasValue("view of n/1");
      assertThat(entry.predictor()).isEqualTo("oracle");
      assertThat(entry.markRead()).isTrue();
      assertThat(entry.markRead()).isFalse();
      tier.drop(Key.of("n/1"));
      assertThat(wasted).isEmpty();
    }
  }

  @Test
  void aPrefetchThatNobodyRead_isReportedAsWasted_whenItGoes() {
    try (var tier = tier(64 << 10)) {
      tier.fillPrefetched(published("n/1", 1, 10), "oracle", FAR);
      tier.drop(Key.of("n/1"));
      assertThat(wasted).containsExactly("n/1");
      tier.fillPrefetched(published("n/2", 1, 10), "oracle", FAR);
      tier.fill(published("n/2", 2, 10));
      assertThat(wasted).containsExactly("n/1", "n/2");
    }
  }

  @Test
  void refresh_replacesWhatIsThere_andBringsInNothingNew() {
    try (var tier = tier(64 << 10)) {
      tier.fill(published("n/1", 1, 10));
      MetadataRecord second = published("n/1", 2, 20);
      tier.refresh(second);
      assertThat(tier.peek(Key.of("n/1"))).isEqualTo(second);
      tier.refresh(published("n/2", 1, 10));
      assertThat(tier.peek(Key.of("n/2"))).isNull();
    }
  }

  @Test
  void aValueOfTheOrigin_isRenewed_whenItIsLoadedAgain() {
    try (var tier = tier(64 << 10)) {
      MetadataRecord first = TestRecords.ofOrigin("n/1", 10, 1_000);
      MetadataRecord again = TestRecords.ofOrigin("n/1", 20, 2_000);
      index.put(first.key(), Version.NONE.dot());
      tier.fill(first);
      assertThat(tier.fill(again)).isTrue();
      assertThat(tier.peek(first.key())).isEqualTo(again);
    }
  }

  @Test
  void ofRacingFillsAndPublications_theNewestWins() throws InterruptedException {
    try (var tier = tier(1 << 20)) {
      int writes = 3000;
      var slow =
          new Thread(
              () -> {
                for (int n = 1; n <= writes; n++) {
                  tier.fill(TestRecords.write("n/1", n, 8));
                }
              });
      slow.start();
      for (int n = 1; n <= writes; n++) {
        MetadataRecord record = published("n/1", n, 8);
        tier.fill(record);
        MetadataRecord shown = tier.peek(Key.of("n/1"));
        assertThat(shown).isEqualTo(record);
      }
      slow.join();
      assertThat(tier.peek(Key.of("n/1"))).isEqualTo(TestRecords.write("n/1", writes, 8));
    }
  }

  /**
   * A fill that is as slow as can be: while it looks at the index, the next write is published.
   *
   * @param toldBefore so many writes of the key, which nobody has read
   */
  private void publishedDuringAFill(int toldBefore, BiConsumer<HotTier<String>, MetadataRecord> how)
      throws InterruptedException {
    var filling = new AtomicBoolean();
    var publisher = new AtomicReference<>(new Thread());
    CurrentDots slow =
        (key, dot) -> {
          boolean isCurrent = dot.equals(index.get(key));
          if (filling.compareAndSet(true, false)) {
            Thread publishing = publisher.get();
            publishing.start();
            while (publishing.getState() == Thread.State.RUNNABLE) {
              Thread.onSpinWait();
            }
          }
          return isCurrent;
        };
    try (var tier = newTier(64 << 10, slow, (predictor, path, bytes) -> {})) {
      for (int n = 1; n <= toldBefore; n++) {
        tier.written(published("n/1", n, 8));
      }
      MetadataRecord old = published("n/1", toldBefore + 1, 8);
      publisher.set(new Thread(() -> how.accept(tier, published("n/1", toldBefore + 2, 8))));
      filling.set(true);
      tier.fill(old);
      publisher.get().join();
      assertThat(tier.peek(old.key())).isNotEqualTo(old);
    }
  }

  private static void hideOlder(HotTier<String> tier, MetadataRecord header) {
    if (tier.peekBehindFills(header.key()) != null) {
      tier.drop(header.key());
    }
  }

  @Test
  void aPublicationBesideASlowFill_leavesNothingOld() throws InterruptedException {
    for (int toldBefore : new int[] {0, 20}) {
      publishedDuringAFill(toldBefore, HotTier::written);
      publishedDuringAFill(toldBefore, HotTier::refresh);
      publishedDuringAFill(toldBefore, HotTierContract::hideOlder);
    }
  }
}
