package io.metafabric;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.conflict.ConflictRule;
import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.error.DirectoryInUseException;
import io.metafabric.core.error.FabricClosedException;
import io.metafabric.core.error.InvalidKeyException;
import io.metafabric.core.error.ListenException;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.error.ValueTooLargeException;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.version.Version;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.FrameCodec;
import io.metafabric.core.wire.Refusal;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is refused is refused at once, with the cause and the remedy. */
class RefusalsTest {
  private static final byte[] VALUE = {1};

  @TempDir Path directory;

  /** Holds a directory until its parent closes its input. */
  static final class Holder {
    private Holder() {}

    public static void main(String[] args) throws Exception {
      try (var fabric = MetadataFabric.builder().directory(Path.of(args[0])).open()) {
        System.out.println("open");
        System.in.read();
      }
    }
  }

  private MetadataFabric open() {
    return MetadataFabric.builder().directory(directory.resolve("d")).maxValueBytes(10).open();
  }

  static Stream<String> badKeys() {
    return Stream.of(
        "", "/", "n/", "/id", "noslash", "UPPER/id", "n/a\nb", "n/\ud800", "n/" + "x".repeat(1023));
  }

  @ParameterizedTest
  @MethodSource("badKeys")
  void aKeyThatIsNotOne_isRefusedByEveryOperation(String key) {
    try (var fabric = open()) {
      for (Consumer<Records> operation : operationsOn(key)) {
        assertThatThrownBy(() -> operation.accept(fabric))
            .isInstanceOf(InvalidKeyException.class)
            .hasMessageMatching("(?s)key \".*\" (must be|has|is) .+");
      }
      assertThatThrownBy(() -> fabric.explain(key)).isInstanceOf(InvalidKeyException.class);
    }
  }

  private static List<Consumer<Records>> operationsOn(String key) {
    return List.of(
        records -> records.get(key),
        records -> records.put(key, VALUE),
        records -> records.put(key, VALUE, Duration.ofSeconds(1)),
        records -> records.putAsync(key, VALUE),
        records -> records.putIfAbsent(key, VALUE),
        records -> records.replace(key, Version.NONE, VALUE),
        records -> records.put(key, VALUE, Version.NONE),
        records -> records.siblings(key),
        records -> records.remove(key));
  }

  @Test
  @SuppressWarnings("NullAway") // what it guards against
  void nullIsRefusedByName() {
    try (var fabric = open()) {
      for (Consumer<Records> operation : operationsOn(null)) {
        assertThatThrownBy(() -> operation.accept(fabric))
            .isInstanceOf(InvalidKeyException.class)
            .hasMessage("a key must not be null; use namespace/id");
      }
      List<Consumer<Records>> withoutValue =
          List.of(
              records -> records.put("n/1", null),
              records -> records.put("n/1", null, Duration.ofSeconds(1)),
              records -> records.putAsync("n/1", null),
              records -> records.putIfAbsent("n/1", null),
              records -> records.replace("n/1", Version.NONE, null));
      for (Consumer<Records> operation : withoutValue) {
        refusesNull(() -> operation.accept(fabric), "a value must not be null; use remove");
      }
      refusesNull(() -> fabric.put("n/1", VALUE, (Duration) null), "timeToLive");
      refusesNull(() -> fabric.put("n/1", VALUE, (Version) null), "read must not be null");
      refusesNull(
          () -> fabric.replace("n/1", null, VALUE), "expected must not be null; Version.NONE");
      refusesNull(() -> fabric.as(null), "client must not be null; read from the fabric itself");
      assertThat(fabric.stats().reads().total()).isZero();
    }
    FabricBuilder builder = MetadataFabric.builder();
    refusesNull(() -> builder.region(null), "region");
    refusesNull(() -> builder.cluster(null), "cluster");
    refusesNull(() -> builder.directory(null), "directory");
    refusesNull(() -> builder.listen(null), "listen");
    refusesNull(() -> builder.peer(null, "h:1"), "regionName");
    refusesNull(() -> builder.peer("us", null), "address");
    refusesNull(() -> builder.home(null, "a", "b"), "namespace");
    refusesNull(() -> builder.home("n", null, "b"), "home");
    refusesNull(() -> builder.home("n", "a", null), "backup");
    refusesNull(() -> builder.durability(null), "durability");
    refusesNull(() -> builder.conflicts(null, ConflictRule.siblings()), "namespace");
    refusesNull(() -> builder.conflicts("n", null), "rule");
    refusesNull(() -> builder.maxClockSkew(null), "maxClockSkew");
    refusesNull(() -> Durability.interval(null), "every must not be null");
    refusesNull(() -> builder.fetchTimeout(null), "fetchTimeout");
    refusesNull(() -> builder.writeTimeout(null), "writeTimeout");
    refusesNull(() -> builder.systemOfRecord(null), "systemOfRecord");
    refusesNull(() -> builder.originTimeToLive(null), "originTimeToLive");
    refusesNull(() -> builder.predictor(null), "provider");
    refusesNull(() -> builder.prices(null), "prices");
    refusesNull(() -> builder.copyBudget(null), "copyBudget");
    refusesNull(() -> builder.tls(null), "tls");
  }

  private static void refusesNull(Runnable call, String what) {
    assertThatThrownBy(call::run)
        .isInstanceOf(NullPointerException.class)
        .hasMessageStartingWith(what);
  }

  @Test
  void aTimeToLiveMustBeInTheFuture_andOnTheClock() {
    try (var fabric = open()) {
      for (Duration bad : List.of(Duration.ZERO, Duration.ofNanos(1), Duration.ofSeconds(-1))) {
        assertThatThrownBy(() -> fabric.put("n/1", VALUE, bad))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("at least 1 ms");
      }
      for (Duration bad :
          List.of(Duration.ofMillis(Long.MAX_VALUE), Duration.ofSeconds(Long.MAX_VALUE))) {
        assertThatThrownBy(() -> fabric.put("n/1", VALUE, bad))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("too long");
      }
    }
  }

  @Test
  void aValueThatIsTooLarge_isRefused_andTheLimitNamed() {
    try (var fabric = open()) {
      fabric.put("n/1", new byte[10]);
      assertThatThrownBy(() -> fabric.put("n/1", new byte[11]))
          .isInstanceOf(ValueTooLargeException.class)
          .hasMessageContaining("11")
          .hasMessageContaining("maxValueBytes");
      assertThat(fabric.get("n/1").orElseThrow().length()).isEqualTo(10);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 10, 1 << 20, 64 << 20})
  void aValueAtTheLimit_isTaken_andOneOverIsRefused_byEveryWayToWrite(int limit) throws Exception {
    Path where = directory.resolve("limit");
    byte[] largest = new byte[limit];
    largest[limit - 1] = 7;
    byte[] over = new byte[limit + 1];
    var builder =
        MetadataFabric.builder()
            .directory(where)
            .durability(Durability.OS)
            .maxValueBytes(limit)
            .hotTierBytes(1 << 20);
    try (var fabric = builder.open()) {
      List<Consumer<byte[]>> ways =
          List.of(
              value -> fabric.put("n/1", value),
              value -> fabric.put("n/1", value, Duration.ofDays(1)),
              value -> join(fabric.putAsync("n/1", value)),
              value -> fabric.putIfAbsent("n/2", value),
              value -> fabric.replace("n/3", Version.NONE, value));
      for (Consumer<byte[]> way : ways) {
        assertThatThrownBy(() -> way.accept(over))
            .isInstanceOf(ValueTooLargeException.class)
            .hasMessageContaining(String.valueOf(limit + 1))
            .hasMessageContaining("maxValueBytes");
        way.accept(largest);
      }
      for (String key : List.of("n/1", "n/2", "n/3")) {
        assertThat(fabric.get(key).orElseThrow().length()).isEqualTo(limit);
      }
    }
    Files.delete(where.resolve("index.hint"));
    try (var again = MetadataFabric.builder().directory(where).maxValueBytes(limit).open()) {
      for (String key : List.of("n/1", "n/2", "n/3")) {
        assertThat(again.get(key).orElseThrow().bytes()).isEqualTo(largest);
      }
    }
  }

  private static void join(CompletableFuture<Version> writing) {
    try {
      writing.get(1, TimeUnit.MINUTES);
    } catch (ExecutionException e) {
      throw (RuntimeException) e.getCause();
    } catch (InterruptedException | TimeoutException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void settingsThatCannotWork_areRefusedBeforeAnythingIsOpened() {
    refused(builder().peer("eu", "h:1").listen("127.0.0.1:0"), "eu", "another region");
    refused(builder().peer("us", "h:1"), "us", "add listen");
    refused(
        builder().listen("127.0.0.1:0").peer("us", "127.0.0.1:1").home("n", "us", "mars"),
        "mars",
        "add a peer(...)");
    refused(builder().home("n", "eu", "mars"), "the only region is eu", "leave home(...) out");
    refused(
        builder().listen("127.0.0.1:0").peer("us", "127.0.0.1:1").home("n", "us", "us"),
        "both us",
        "choose another region as backup");
    refused(
        builder().listen("127.0.0.1:0").peer("ap", "10.1.2.3:7402").peer("us", "127.0.0.1:1"),
        "10.1.2.3:7402",
        "beyond this machine",
        "use a loopback address");
    refused(builder().listen("0.0.0.0:0"), "0.0.0.0:0", "beyond this machine", "add tls(...)");
    assertThat(directory.resolve("d")).doesNotExist();
  }

  private FabricBuilder builder() {
    return MetadataFabric.builder().region("eu").directory(directory.resolve("d"));
  }

  private static void refused(FabricBuilder builder, String... words) {
    assertThatThrownBy(() -> builder.open().close())
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContainingAll(words);
  }

  @Test
  void aSettingThatMakesNoSense_isRefusedAtOnce() {
    refusedAtOnce(() -> builder().region("eu"), "set twice");
    refusedAtOnce(
        () -> builder().predictionSources("client").predictionSources("client"), "set twice");
    refusedAtOnce(() -> builder().predictionSources("no-such"), "popularity");
    refusedAtOnce(() -> builder().predictionSources(), "one or more");
    refusedAtOnce(() -> builder().predictionSources("client", "client"), "each once");
    refusedAtOnce(() -> MetadataFabric.builder().region("EU West"), "a-z 0-9 -");
    refusedAtOnce(() -> builder().peer("us", "nowhere"), "host:port");
    refusedAtOnce(() -> builder().peer("us", "h:70000"), "0 to 65535");
    refusedAtOnce(() -> builder().peer("us", "h:0"), "port that it listens on");
    refusedAtOnce(() -> builder().peer("us", "h:1").peer("us", "h:2"), "set twice");
    refusedAtOnce(() -> builder().home("No", "us", "eu"), "a-z 0-9 . _ -");
    refusedAtOnce(() -> builder().home("a/b", "us", "eu"), "a-z 0-9 . _ -");
    refusedAtOnce(() -> builder().maxValueBytes(0), "1 to ");
    refusedAtOnce(() -> builder().hotTierBytes(1), "at least");
    refusedAtOnce(() -> builder().readCacheBytes(Long.MAX_VALUE), "readCacheBytes must be 0 to");
    refusedAtOnce(() -> builder().sessionSecret(new byte[3]), "the same random ones");
    assertThatThrownBy(() -> builder().sessionSecret(new byte[16]).sessionSecret(new byte[16]))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("set twice")
        .hasMessageNotContaining("random");
    assertThatThrownBy(() -> builder().sessionSecret(null))
        .isInstanceOf(NullPointerException.class)
        .hasMessage("secret");
    refusedAtOnce(() -> builder().maxIndexBytes(1), "at least");
    refusedAtOnce(() -> builder().compactionBytesPerSecond(1), "at least");
    refusedAtOnce(() -> builder().retainedBytes(-1), "0 or more");
    refusedAtOnce(() -> builder().fetchTimeout(Duration.ZERO), "1 ms to");
    refusedAtOnce(() -> builder().writeTimeout(Duration.ofSeconds(Long.MAX_VALUE)), "1 ms to");
    refusedAtOnce(() -> builder().cluster(" "), "1 to 64");
    refusedAtOnce(() -> builder().protocols(0, 1), "of 1 to " + FrameCodec.PROTOCOL);
    refusedAtOnce(() -> builder().protocols(2, 1), "the lowest first");
    refusedAtOnce(
        () -> builder().protocols(1, FrameCodec.PROTOCOL + 1), "of 1 to " + FrameCodec.PROTOCOL);
    refusedAtOnce(() -> builder().peerBytesPerSecond(1), "at least");
  }

  private static void refusedAtOnce(Runnable setting, String remedy) {
    assertThatThrownBy(setting::run)
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(remedy);
  }

  @Test
  void aSecondFabricOnTheDirectory_isRefused_inThisProcessAndInAnother() throws Exception {
    Path shared = directory.resolve("d");
    Process process =
        new ProcessBuilder(
                Stream.concat(ChildJvm.command(Holder.class).stream(), Stream.of(shared.toString()))
                    .toList())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try {
      assertThat(process.inputReader().readLine()).isEqualTo("open");
      assertInUse(shared);
      process.getOutputStream().close();
      assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
    } finally {
      process.destroyForcibly().waitFor();
    }
    try (var first = open()) {
      assertInUse(shared);
      first.put("n/1", VALUE);
    }
  }

  private static void assertInUse(Path shared) {
    assertThatThrownBy(() -> MetadataFabric.builder().directory(shared).open())
        .isInstanceOf(DirectoryInUseException.class)
        .hasMessageContaining(shared.toString())
        .hasMessageContaining("a directory of its own");
  }

  @Test
  void aDirectoryThatCannotBe_isRefused_andNothingStaysOpen() throws Exception {
    Path file = Files.write(directory.resolve("file"), VALUE);
    for (Path bad : List.of(file, file.resolve("below"))) {
      assertThatThrownBy(() -> MetadataFabric.builder().directory(bad).open())
          .isInstanceOf(StorageException.class)
          .hasMessageContaining(file.toString())
          .hasMessageMatching(".*(use another directory|readable and writable).*");
    }
    assertThat(OpenAndCloseTest.threads()).isEmpty();
  }

  @Test
  void aPortInUse_isRefused_andNothingStaysOpen() throws Exception {
    try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      FabricBuilder builder = builder().listen("127.0.0.1:" + taken.getLocalPort());
      assertThatThrownBy(builder::open)
          .isInstanceOf(ListenException.class)
          .hasMessageContaining("127.0.0.1:" + taken.getLocalPort())
          .hasMessageContaining("use a free port");
    }
    assertThat(OpenAndCloseTest.threads()).isEmpty();
    builder().open().close();
  }

  @Test
  void aClosedFabric_saysSo_forEveryOperation() {
    var fabric = open();
    fabric.put("n/1", VALUE);
    Records user = fabric.as("user");
    fabric.close();
    for (Records records : List.of(fabric, user)) {
      for (Consumer<Records> operation : operationsOn("n/1")) {
        assertThatThrownBy(() -> operation.accept(records))
            .isInstanceOf(FabricClosedException.class)
            .hasMessage("the fabric is closed; open a new one");
      }
    }
    assertThatThrownBy(() -> fabric.explain("n/1")).isInstanceOf(FabricClosedException.class);
    assertThatThrownBy(() -> fabric.as("x")).isInstanceOf(FabricClosedException.class);
    assertThatThrownBy(fabric::stats).isInstanceOf(FabricClosedException.class);
    assertThatThrownBy(fabric::listening).isInstanceOf(FabricClosedException.class);
    assertThatThrownBy(() -> fabric.setPrediction(true)).isInstanceOf(FabricClosedException.class);
    assertThatThrownBy(() -> fabric.backup(directory.resolve("copy")))
        .isInstanceOf(FabricClosedException.class);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, FrameCodec.PROTOCOL + 1})
  void aPeerOfAnotherProtocol_isToldWhichOnesThereAre(int protocol) throws Exception {
    Frame.Refuse refuse = refusalOf(RawPeer.hello(protocol, 10));
    assertThat(refuse.reason()).isEqualTo(Refusal.PROTOCOL);
    assertThat(refuse.message())
        .contains("region us speaks protocol " + protocol)
        .contains("region eu speaks " + FrameCodec.MIN_PROTOCOL + " to " + FrameCodec.PROTOCOL)
        .contains("use versions of the library");
  }

  @Test
  void aPeerThatTakesOtherValues_isToldBothLimits() throws Exception {
    Frame.Refuse refuse = refusalOf(RawPeer.hello(FrameCodec.PROTOCOL, 11));
    assertThat(refuse.reason()).isEqualTo(Refusal.VALUE_BYTES);
    assertThat(refuse.message())
        .contains("region us has maxValueBytes = 11")
        .contains("region eu 10")
        .contains("set the same in all regions");
  }

  private Frame.Refuse refusalOf(Frame.Hello hello) throws Exception {
    try (var fabric =
            builder().maxValueBytes(10).listen("127.0.0.1:0").peer("us", "127.0.0.1:1").open();
        var peer = new RawPeer(fabric)) {
      peer.send(hello);
      Frame answer = peer.read();
      assertThat(answer).isInstanceOf(Frame.Refuse.class);
      assertThat(peer.isAtEnd()).as("closed").isTrue();
      assertThat(fabric.stats().replication().refusedPeers()).isEqualTo(1);
      return (Frame.Refuse) answer;
    }
  }

  @Test
  void theNameOfAClientIsBounded() {
    try (var fabric = open()) {
      for (String bad : List.of("", " ", "x".repeat(257))) {
        assertThatThrownBy(() -> fabric.as(bad))
            .isInstanceOf(ConfigurationException.class)
            .hasMessageContaining("1 to 256");
      }
      fabric.as("user-7").put("n/1", "x".getBytes(UTF_8));
    }
  }
}
