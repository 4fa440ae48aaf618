package io.metafabric;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.metafabric.core.store.StoreStats;
import io.metafabric.core.version.Version;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SingleNodeTest {
  @TempDir Path directory;

  /** A host that configures nothing. */
  static final class Unconfigured {
    private Unconfigured() {}

    public static void main(String[] args) {
      try (var fabric = MetadataFabric.builder().open()) {
        fabric.put("n/1", "one".getBytes(UTF_8));
        System.out.println(fabric.get("n/1").map(Versioned::utf8) + " " + fabric.listening());
      }
    }
  }

  private MetadataFabric open(String region) {
    return MetadataFabric.builder().region(region).directory(directory.resolve(region)).open();
  }

  private static byte[] utf8(String text) {
    return text.getBytes(UTF_8);
  }

  @Test
  void withNothingConfigured_itIsASingleNode_inADirectoryOfItsOwn_withoutAListener()
      throws Exception {
    Process process =
        new ProcessBuilder(ChildJvm.command(Unconfigured.class))
            .directory(directory.toFile())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (var out = process.inputReader()) {
      assertThat(out.readLine()).isEqualTo("Optional[one] Optional.empty");
    }
    assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isZero();
    try (var made = Files.list(directory)) {
      assertThat(made.map(path -> path.getFileName().toString()))
          .containsExactly("metafabric-local");
    }
  }

  @Test
  void severalFabricsInOneJvm_knowNothingOfEachOther() {
    try (var one = open("one");
        var two = open("two")) {
      one.put("n/1", utf8("one"));
      assertThat(two.get("n/1")).isEmpty();
      two.put("n/1", utf8("two"));
      two.close();
      assertThat(one.get("n/1").map(Versioned::utf8)).hasValue("one");
      one.put("n/2", utf8("goes on"));
    }
  }

  @Test
  void whatWasWritten_isThereAfterReopening() {
    try (var fabric = open("one")) {
      fabric.put("n/1", utf8("kept"));
      fabric.put("n/2", utf8("deleted"));
      fabric.remove("n/2");
    }
    try (var fabric = open("one")) {
      assertThat(fabric.get("n/1").map(Versioned::utf8)).hasValue("kept");
      assertThat(fabric.stats().reads().warm()).isEqualTo(1);
      assertThat(fabric.get("n/2")).isEmpty();
    }
  }

  @Test
  void removeSaysWhetherThereWasSomething() {
    try (var fabric = open("one")) {
      assertThat(fabric.remove("n/1")).isFalse();
      fabric.put("n/1", utf8("one"));
      assertThat(fabric.remove("n/1")).isTrue();
      assertThat(fabric.remove("n/1")).isFalse();
      assertThat(fabric.get("n/1")).isEmpty();
      assertThat(fabric.explain("n/1").deleted()).isTrue();
    }
  }

  @Test
  void putAsyncCompletesWithTheVersion_thatReadersSee() throws Exception {
    try (var fabric = open("one")) {
      Version version = fabric.putAsync("n/1", utf8("one")).get(10, TimeUnit.SECONDS);
      assertThat(fabric.get("n/1").map(Versioned::version)).hasValue(version);
    }
  }

  @Test
  void putIfAbsentStoresOnlyWhereNothingIsSeen() {
    try (var fabric = open("one")) {
      assertThat(fabric.putIfAbsent("n/1", utf8("one"))).isPresent();
      assertThat(fabric.putIfAbsent("n/1", utf8("two"))).isEmpty();
      assertThat(fabric.get("n/1").map(Versioned::utf8)).hasValue("one");
      fabric.remove("n/1");
      assertThat(fabric.putIfAbsent("n/1", utf8("three"))).isPresent();
      assertThat(fabric.get("n/1").map(Versioned::utf8)).hasValue("three");
    }
  }

  @Test
  void replaceStoresOnlyOverTheExpectedVersion_andNoneMeansNothingWasWritten() {
    try (var fabric = open("one")) {
      Version first = fabric.replace("n/1", Version.NONE, utf8("one")).orElseThrow();
      assertThat(fabric.replace("n/1", Version.NONE, utf8("two"))).isEmpty();
      Version second = fabric.replace("n/1", first, utf8("two")).orElseThrow();
      assertThat(fabric.replace("n/1", first, utf8("three"))).isEmpty();
      assertThat(second.covers(first.dot())).isTrue();
      assertThat(fabric.get("n/1").map(Versioned::utf8)).hasValue("two");
    }
  }

  @Test
  void anExpiredValueIsHidden() {
    try (var fabric = open("one")) {
      fabric.put("n/1", utf8("for a while"), Duration.ofMillis(300));
      fabric.put("n/2", utf8("for long"), Duration.ofHours(1));
      await().atMost(Duration.ofSeconds(5)).until(() -> fabric.get("n/1").isEmpty());
      assertThat(fabric.get("n/2").flatMap(Versioned::expiresAt)).isPresent();
      assertThat(fabric.remove("n/1")).as("an expired value is not seen").isFalse();
      assertThat(fabric.putIfAbsent("n/1", utf8("again"))).isPresent();
      assertThat(fabric.get("n/1").flatMap(Versioned::expiresAt)).isEmpty();
    }
  }

  @Test
  void aClientSeesTheSameRecords() {
    try (var fabric = open("one")) {
      Records user = fabric.as("user-7");
      Version version = user.put("n/1", utf8("one"));
      assertThat(user.get("n/1").map(Versioned::utf8)).hasValue("one");
      assertThat(fabric.get("n/1").map(Versioned::version)).hasValue(version);
      assertThat(user.remove("n/1")).isTrue();
      assertThat(user.get("n/1")).isEmpty();
    }
  }

  @Test
  void everyReadIsCountedOnce_whereItWasFound() {
    try (var fabric = open("one")) {
      fabric.put("n/1", utf8("one"));
      for (int i = 0; i < 5; i++) {
        assertThat(fabric.get("n/1")).isPresent();
      }
      for (int i = 0; i < 3; i++) {
        assertThat(fabric.get("n/none")).isEmpty();
      }
      FabricStats.Reads reads = fabric.stats().reads();
      assertThat(reads.hot()).isEqualTo(5);
      assertThat(reads.absent()).isEqualTo(3);
      assertThat(reads.total()).isEqualTo(8);
    }
  }

  @Test
  void whatDeletionsTakeIsCounted() {
    try (var fabric = open("one")) {
      for (int i = 0; i < 10; i++) {
        fabric.put("n/" + i, utf8("value"));
        assertThat(fabric.remove("n/" + i)).isTrue();
      }
      StoreStats deleted = fabric.stats().storage();
      assertThat(deleted.tombstones()).isEqualTo(10);
      assertThat(deleted.tombstoneBytes()).isBetween(10L * 30, 10L * 200);
      assertThat(deleted.forgotten()).as("not looked for yet").isZero();
      assertThat(deleted.duplicates()).isZero();
      fabric.put("n/3", utf8("again"));
      assertThat(fabric.stats().storage().tombstones()).isEqualTo(9);
    }
  }

  @Test
  void explainTellsWhatIsKnownOfAKey() {
    try (var fabric = open("one")) {
      assertThat(fabric.explain("n/1").version()).isEmpty();
      Version version = fabric.put("n/1", utf8("four"));
      Explanation known = fabric.explain("n/1");
      assertThat(known.version()).hasValue(version);
      assertThat(known.payloadBytes()).isEqualTo(4);
      assertThat(known.writtenIn()).hasValue("one");
      assertThat(known.home()).isEqualTo("one");
      assertThat(known.backup()).isEqualTo(Optional.empty());
      assertThat(known.inHotTier()).isTrue();
      assertThat(known.inWarmTier()).isTrue();
      assertThat(known.deleted()).isFalse();
    }
  }

  @Test
  void theBytesOfAValueBelongToTheReader() {
    try (var fabric = open("one")) {
      byte[] mine = utf8("one");
      fabric.put("n/1", mine);
      mine[0] = 'X';
      byte[] read = fabric.get("n/1").orElseThrow().bytes();
      read[1] = 'X';
      assertThat(fabric.get("n/1").map(Versioned::utf8)).hasValue("one");
    }
  }
}
