package io.metafabric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.metafabric.core.conflict.Conflict;
import io.metafabric.core.conflict.ConflictRule;
import io.metafabric.core.conflict.Merge;
import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.error.ConflictOpenException;
import io.metafabric.core.error.RegionUnreachableException;
import io.metafabric.core.error.RemovalRefusedException;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.transport.FreePorts;
import io.metafabric.core.version.Version;
import io.metafabric.core.wire.Refusal;
import io.metafabric.merge.AddRemoveSet;
import io.metafabric.merge.Counter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConflictsTest {
  static final Duration LONG = Duration.ofSeconds(30);

  @TempDir Path directory;

  static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  MetadataFabric open(ConflictRule rule) {
    return MetadataFabric.builder()
        .directory(directory.resolve("local"))
        .conflicts("n", rule)
        .open();
  }

  static List<String> values(Siblings siblings) {
    return siblings.values().stream().map(Versioned::utf8).toList();
  }

  @Test
  void callersWhoHaveReadTheSame_leaveSiblings_andWhoReadsAllClosesTheConflict() {
    try (var fabric = open(ConflictRule.siblings())) {
      Version read = fabric.put("n/1", utf8("first"));
      fabric.put("n/1", utf8("mine"), read);
      Version yours = fabric.put("n/1", utf8("yours"), read);

      Siblings both = fabric.siblings("n/1");
      assertThat(values(both)).containsExactly("yours", "mine");
      assertThat(both.isConflict()).isTrue();
      Versioned shown = fabric.get("n/1").orElseThrow();
      assertThat(shown.utf8()).isEqualTo("yours");
      assertThat(shown.version()).isEqualTo(yours);

      // Who has read the one that is shown replaces that alone.
      fabric.put("n/1", utf8("after yours"), shown.version());
      assertThat(values(fabric.siblings("n/1"))).containsExactly("after yours", "mine");

      fabric.put("n/1", utf8("agreed"), fabric.siblings("n/1").version());
      assertThat(values(fabric.siblings("n/1"))).containsExactly("agreed");
      assertThat(fabric.siblings("n/1").isConflict()).isFalse();
      assertThat(fabric.siblings("n/none").values()).isEmpty();
      assertThat(fabric.siblings("n/none").version()).isEqualTo(Version.NONE);
    }
  }

  @Test
  void siblingsOutliveTheirFabric_andABlindWriteReplacesAll() {
    try (var fabric = open(ConflictRule.siblings())) {
      for (int i = 0; i < 5; i++) {
        fabric.put("n/1", utf8("v" + i), Version.NONE);
      }
    }
    try (var fabric = open(ConflictRule.siblings())) {
      assertThat(values(fabric.siblings("n/1"))).containsExactly("v4", "v3", "v2", "v1", "v0");
      assertThat(fabric.get("n/1").map(Versioned::utf8)).hasValue("v4");
      fabric.put("n/1", utf8("blind"));
      assertThat(values(fabric.siblings("n/1"))).containsExactly("blind");
      fabric.put("n/1", utf8("beside"), Version.NONE);
      assertThat(fabric.remove("n/1")).isTrue();
      assertThat(fabric.get("n/1")).isEmpty();
      assertThat(fabric.siblings("n/1").values()).isEmpty();
      assertThat(fabric.siblings("n/1").isConflict()).isFalse();
      assertThat(fabric.putIfAbsent("n/1", utf8("again"))).isPresent();
    }
  }

  @Test
  void moreThanSixteenSiblings_keepTheLatest() {
    try (var fabric = open(ConflictRule.siblings())) {
      for (int i = 0; i < 20; i++) {
        fabric.put("n/1", utf8("v" + i), Version.NONE);
      }
      assertThat(values(fabric.siblings("n/1"))).hasSize(16).startsWith("v19").endsWith("v4");
      assertThat(fabric.conflicts())
          .extracting(lost -> new String(lost.value().orElseThrow(), StandardCharsets.UTF_8))
          .containsExactly("v0", "v1", "v2", "v3");
      assertThat(fabric.conflicts())
          .allMatch(lost -> lost.reason() == Conflict.Reason.TOO_MANY_SIBLINGS);
    }
  }

  @Test
  void whereTheLastWriterWins_whatWasReadMakesNoDifference() {
    try (var fabric = open(ConflictRule.lastWriterWins())) {
      fabric.put("n/1", utf8("one"));
      fabric.put("n/1", utf8("two"), Version.NONE);
      assertThat(values(fabric.siblings("n/1"))).containsExactly("two");
      Version three = fabric.put("n/1", utf8("three"), fabric.get("n/1").orElseThrow().version());
      fabric.put("n/1", utf8("four"));
      fabric.put("n/1", utf8("five"), three);

      assertThat(fabric.conflicts())
          .extracting(lost -> new String(lost.value().orElseThrow(), StandardCharsets.UTF_8))
          .as("what had been seen, or was replaced blindly, is no conflict")
          .containsExactly("one", "four");
    }
    try (var fabric = open(ConflictRule.lastWriterWins())) {
      assertThat(fabric.conflicts()).hasSize(2);
    }
  }

  @Test
  void theWriteOfOneRegionThatLosesAgainstAnothers_isInTheLogOfBoth() throws Exception {
    List<Integer> ports = FreePorts.take(2);
    ConflictRule rule = ConflictRule.lastWriterWins();
    try (var eu = open("eu", "us", ports, rule)) {
      eu.put("n/1", utf8("from eu"));
    }
    try (var us = open("us", "eu", ports, rule)) {
      us.put("n/1", utf8("from us"));
    }
    try (var eu = open("eu", "us", ports, rule);
        var us = open("us", "eu", ports, rule)) {
      for (MetadataFabric each : List.of(eu, us)) {
        await().atMost(LONG).until(() -> !each.conflicts().isEmpty());
        assertThat(each.get("n/1").map(Versioned::utf8)).hasValue("from us");
        Conflict lost = each.conflicts().get(0);
        assertThat(lost.key().path()).isEqualTo("n/1");
        assertThat(lost.value()).hasValue(utf8("from eu"));
        assertThat(lost.reason()).isEqualTo(Conflict.Reason.LAST_WRITER_WINS);
        assertThat(lost.winner()).isEqualTo(each.get("n/1").orElseThrow().version().dot());
      }
    }
  }

  @Test
  void replace_comparesWithWhatIsShown_andReplacesThatAlone() {
    try (var fabric = open(ConflictRule.siblings())) {
      Version one = fabric.put("n/1", utf8("one"), Version.NONE);
      Version two = fabric.put("n/1", utf8("two"), Version.NONE);
      assertThat(fabric.replace("n/1", one, utf8("no"))).isEmpty();
      assertThat(fabric.replace("n/1", two, utf8("three"))).isPresent();
      assertThat(values(fabric.siblings("n/1"))).containsExactly("three", "one");
      assertThat(fabric.replace("n/1", fabric.siblings("n/1").version(), utf8("all"))).isPresent();
      assertThat(values(fabric.siblings("n/1"))).containsExactly("all");
    }
  }

  @Test
  void aConflictThatStaysOpenForEver_isRefusedInTheEnd_andTheRemedyIsNamed() {
    try (var fabric = open(ConflictRule.siblings())) {
      fabric.put("n/1", utf8("ignored"), Version.NONE);
      assertThatThrownBy(
              () -> {
                Version read = Version.NONE;
                for (int i = 0; i < 200; i++) {
                  // In between, so that no two counters follow each other.
                  fabric.put("n/other", utf8("x"));
                  read = fabric.put("n/1", utf8("v" + i), read);
                }
              })
          .isInstanceOf(ConflictOpenException.class)
          .hasMessageContaining("siblings(\"n/1\")");
      assertThat(fabric.siblings("n/1").values()).hasSize(2);
      fabric.put("n/1", utf8("closed"), fabric.siblings("n/1").version());
      assertThat(values(fabric.siblings("n/1"))).containsExactly("closed");
    }
  }

  @Test
  void aMergeThatThrows_leavesSiblings_andIsCounted() {
    ConflictRule throwing =
        ConflictRule.merge(
            "throwing",
            (a, b) -> {
              throw new IllegalStateException("no");
            });
    try (var fabric = open(throwing)) {
      fabric.put("n/1", utf8("a"), Version.NONE);
      fabric.put("n/1", utf8("b"), Version.NONE);
      assertThat(fabric.get("n/1").map(Versioned::utf8)).hasValue("b");
      assertThat(values(fabric.siblings("n/1"))).containsExactly("b", "a");
      assertThat(fabric.stats().merges().failed()).isPositive();
      assertThat(fabric.stats().merges().off()).isEmpty();
    }
  }

  @Test
  void aMergeThatBreaksItsLaws_isNotCalledAgain() {
    try (var fabric = open(ConflictRule.merge("first", (a, b) -> a))) {
      fabric.put("n/1", utf8("a"), Version.NONE);
      fabric.put("n/1", utf8("b"), Version.NONE);
      assertThat(fabric.get("n/1").map(Versioned::utf8)).hasValue("b");
      assertThat(values(fabric.siblings("n/1"))).containsExactly("b", "a");
      assertThat(fabric.stats().merges().off()).containsEntry("n", "it is not commutative");
    }
  }

  @Test
  void aBusyMergeThatKeepsItsLaws_doesNotHideOneThatBreaksThem() {
    ConflictRule greater =
        ConflictRule.merge("greater", (a, b) -> a.toUtf8().compareTo(b.toUtf8()) >= 0 ? a : b);
    try (var fabric =
        MetadataFabric.builder()
            .directory(directory.resolve("local"))
            .conflicts("busy", greater)
            .conflicts("n", ConflictRule.merge("first", (a, b) -> a))
            .open()) {
      for (int i = 0; i < 20; i++) {
        fabric.put("busy/" + i, utf8("a"), Version.NONE);
        fabric.put("busy/" + i, utf8("b"), Version.NONE);
        assertThat(fabric.get("busy/" + i).map(Versioned::utf8)).hasValue("b");
      }
      fabric.put("n/1", utf8("a"), Version.NONE);
      fabric.put("n/1", utf8("b"), Version.NONE);
      assertThat(fabric.get("n/1").map(Versioned::utf8)).hasValue("b");
      assertThat(fabric.stats().merges().off()).containsOnlyKeys("n");
    }
  }

  @Test
  void whereTheMergeIsNotCalledAnyMore_theNewestOfSeveralValuesIsRead() {
    try (var fabric = open(ConflictRule.merge("first", (a, b) -> a))) {
      for (int i = 0; i < 3; i++) {
        fabric.put("n/" + i, utf8("a"), Version.NONE);
        fabric.put("n/" + i, utf8("b"), Version.NONE);
        assertThat(fabric.get("n/" + i).map(Versioned::utf8)).hasValue("b");
        assertThat(fabric.stats().merges().off()).containsOnlyKeys("n");
      }
    }
  }

  @Test
  void aMergeThatDoesNotReturn_isLeftBehind_andReadsAndCloseDoNotWaitForIt() {
    var never = new CountDownLatch(1);
    ConflictRule endless =
        ConflictRule.merge(
            "endless",
            (a, b) -> {
              boolean interrupted = false;
              while (never.getCount() > 0) {
                try {
                  never.await();
                } catch (InterruptedException e) {
                  interrupted = true;
                }
              }
              return interrupted ? a : b;
            });
    try (var fabric = open(endless)) {
      fabric.put("n/1", utf8("a"), Version.NONE);
      fabric.put("n/1", utf8("b"), Version.NONE);
      assertThat(fabric.get("n/1").map(Versioned::utf8)).hasValue("b");
      await().atMost(LONG).until(() -> fabric.stats().merges().off().containsKey("n"));
      assertThat(fabric.stats().merges().off().get("n")).contains("has not returned");
      assertThat(values(fabric.siblings("n/1"))).containsExactly("b", "a");
    } finally {
      never.countDown();
    }
  }

  @Test
  void readsThatWaitBehindAMergeThatDoesNotReturn_showOneValue_andItIsNotCalledForThem()
      throws Exception {
    var never = new CountDownLatch(1);
    var calls = new AtomicInteger();
    ConflictRule endless =
        ConflictRule.merge(
            "endless",
            (a, b) -> {
              calls.incrementAndGet();
              while (never.getCount() > 0) {
                try {
                  never.await();
                } catch (InterruptedException e) {
                  // It does not listen either.
                }
              }
              return a;
            });
    int keys = 6;
    ExecutorService readers = Executors.newFixedThreadPool(keys);
    try (var fabric = open(endless)) {
      for (int i = 0; i < keys; i++) {
        fabric.put("n/" + i, utf8("a"), Version.NONE);
        fabric.put("n/" + i, utf8("b"), Version.NONE);
      }
      var reading = new ArrayList<Future<Optional<Versioned>>>();
      for (int i = 0; i < keys; i++) {
        String key = "n/" + i;
        reading.add(readers.submit(() -> fabric.get(key)));
      }
      for (Future<Optional<Versioned>> each : reading) {
        assertThat(each.get(20, TimeUnit.SECONDS).map(Versioned::utf8)).hasValue("b");
      }
      // The call that was abandoned may be the home's, which nobody above waits for.
      await()
          .atMost(20, TimeUnit.SECONDS)
          .untilAsserted(() -> assertThat(fabric.stats().merges().off()).containsKey("n"));
      assertThat(calls).hasValue(1);
    } finally {
      never.countDown();
      readers.shutdown();
    }
  }

  /** Of stone, paper and scissors the stronger: it depends on who meets whom first. */
  @Test
  void aMergeThatIsNotAssociative_isNotCalledAgain() throws Exception {
    Merge stronger = (a, b) -> (a.toUtf8() + b.toUtf8()).matches("sp|pc|cs") ? b : a;
    ConflictRule rule = ConflictRule.merge("stronger", stronger);
    // The home is away, and does not merge the first two before there is a third.
    try (var fabric = open("us", "eu", FreePorts.take(2), rule)) {
      for (String each : List.of("s", "p", "c")) {
        fabric.put("n/1", utf8(each), Version.NONE);
      }
      assertThat(fabric.get("n/1").map(Versioned::utf8)).hasValue("c");
      assertThat(fabric.stats().merges().off()).containsEntry("n", "it is not associative");
    }
  }

  @Test
  void theRulesOfANamespace_areSetOnce() {
    FabricBuilder builder = MetadataFabric.builder().conflicts("n", ConflictRule.siblings());
    assertThatThrownBy(() -> builder.conflicts("n", Counter.rule()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("set twice");
    assertThatThrownBy(() -> builder.conflicts("N", Counter.rule()))
        .isInstanceOf(ConfigurationException.class);
    assertThatThrownBy(() -> ConflictRule.merge("Not A Name", (a, b) -> a))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> ConflictRule.siblings().homeOnly())
        .isInstanceOf(IllegalStateException.class);
  }

  MetadataFabric open(String region, String other, List<Integer> ports, ConflictRule rule) {
    int at = region.equals("eu") ? 0 : 1;
    return MetadataFabric.builder()
        .region(region)
        .directory(directory.resolve(region))
        .listen("127.0.0.1:" + ports.get(at))
        .peer(other, "127.0.0.1:" + ports.get(1 - at))
        .home("n", "eu", "us")
        .conflicts("n", rule)
        .open();
  }

  @Test
  void regionsWithDifferentRules_refuseEachOther_andEachNamesBoth() throws Exception {
    List<Integer> ports = FreePorts.take(2);
    try (var eu = open("eu", "us", ports, Counter.rule());
        var us = open("us", "eu", ports, Counter.rule().homeOnly())) {
      for (MetadataFabric each : List.of(eu, us)) {
        await()
            .atMost(LONG)
            .until(
                () ->
                    each.stats().replication().peers().get(0).refusal() == Refusal.CONFLICT_RULES);
        assertThat(each.stats().replication().peers().get(0).problem())
            .contains("namespace \"n\"")
            .contains("\"merge counter.1\" in region eu")
            .contains("\"merge counter.1, home only\" in region us");
      }
    }
  }

  @Test
  void whatRemembersItsWriters_isNeitherRemovedNorExpires_butClearedAndGoesOn() {
    for (ConflictRule rule : List.of(AddRemoveSet.rule(), AddRemoveSet.rule().homeOnly())) {
      try (var fabric =
          MetadataFabric.builder()
              .directory(directory.resolve(rule.name().replace(' ', '-')))
              .conflicts("tags", rule)
              .open()) {
        AddRemoveSet set = AddRemoveSet.EMPTY.plus("eu", "a");
        fabric.put("tags/1", set.toBytes());
        assertThatThrownBy(() -> fabric.remove("tags/1"))
            .isInstanceOf(RemovalRefusedException.class)
            .hasMessageContaining("tags/1")
            .hasMessageContaining("put a cleared value");
        assertThatThrownBy(() -> fabric.put("tags/1", set.toBytes(), Duration.ofHours(1)))
            .isInstanceOf(RemovalRefusedException.class);
        assertThat(fabric.get("tags/1"))
            .hasValueSatisfying(v -> assertThat(v.bytes()).isEqualTo(set.toBytes()));
        fabric.put("tags/1", set.cleared().toBytes());
        fabric.put("other/1", set.toBytes(), Duration.ofHours(1));
        assertThat(fabric.remove("other/1")).isTrue();
      }
    }
    assertThatThrownBy(() -> ConflictRule.siblings().neverRemoved())
        .isInstanceOf(IllegalStateException.class);
  }

  private static long value(MetadataFabric fabric) {
    return fabric.get("n/1").map(v -> Counter.of(v.bytes()).value()).orElse(0L);
  }

  /** Written apart, then together: both regions show the sum, and the home writes it down. */
  @Test
  void aMergedNamespace_hasTheWritesOfBothRegions_andTheHomeClosesTheConflict() throws Exception {
    apartAndTogether(Counter.rule());
  }

  @Test
  void aMergeOfTheHomeAlone_comesToTheSame() throws Exception {
    apartAndTogether(Counter.rule().homeOnly());
  }

  private void apartAndTogether(ConflictRule rule) throws Exception {
    List<Integer> ports = FreePorts.take(2);
    // Blindly: whoever is alone at its first opening cannot say that there is nothing elsewhere.
    try (var eu = open("eu", "us", ports, rule)) {
      eu.put("n/1", Counter.ZERO.plus("eu", 3).toBytes(), Version.NONE);
    }
    try (var us = open("us", "eu", ports, rule)) {
      us.put("n/1", Counter.ZERO.plus("us", 4).toBytes(), Version.NONE);
    }
    try (var eu = open("eu", "us", ports, rule);
        var us = open("us", "eu", ports, rule)) {
      for (MetadataFabric each : List.of(eu, us)) {
        await()
            .atMost(LONG)
            .ignoreException(RegionUnreachableException.class)
            .until(() -> value(each) == 7);
        await().atMost(LONG).until(() -> each.siblings("n/1").values().size() == 1);
        assertThat(value(each)).isEqualTo(7);
      }
      assertThat(eu.stats().merges().written()).isEqualTo(1);
      assertThat(eu.stats().merges().merged()).isPositive();
      assertThat(us.stats().merges().written()).isZero();
      assertThat(us.get("n/1").map(Versioned::writtenIn)).hasValue("eu");
    }
  }

  @Test
  void siblingsOfTwoRegions_areTheSameInBoth_andClosedByOne() throws Exception {
    List<Integer> ports = FreePorts.take(2);
    ConflictRule rule = ConflictRule.siblings();
    try (var eu = open("eu", "us", ports, rule)) {
      eu.put("n/1", utf8("from eu"));
    }
    try (var us = open("us", "eu", ports, rule)) {
      us.put("n/1", utf8("from us"), Version.NONE);
    }
    try (var eu = open("eu", "us", ports, rule);
        var us = open("us", "eu", ports, rule)) {
      for (MetadataFabric each : List.of(eu, us)) {
        await()
            .atMost(LONG)
            .ignoreException(RegionUnreachableException.class)
            .until(() -> each.siblings("n/1").isConflict());
        assertThat(values(each.siblings("n/1"))).containsExactly("from us", "from eu");
        assertThat(each.get("n/1").map(Versioned::utf8)).hasValue("from us");
      }
      eu.put("n/1", utf8("both"), eu.siblings("n/1").version());
      await().atMost(LONG).until(() -> !us.siblings("n/1").isConflict());
      assertThat(us.get("n/1").map(Versioned::utf8)).hasValue("both");
      assertThat(Bytes.copyOf(us.get("n/1").orElseThrow().bytes())).isEqualTo(Bytes.utf8("both"));
    }
  }
}
