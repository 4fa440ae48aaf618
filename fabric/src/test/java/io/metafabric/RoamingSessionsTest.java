package io.metafabric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.error.NotReplicatedException;
import io.metafabric.core.error.SessionTokenException;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.place.WriteConcern;
import io.metafabric.core.session.Dependencies;
import io.metafabric.core.session.TokenFormat;
import io.metafabric.core.session.WriteConcernException;
import io.metafabric.core.transport.FreePorts;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import io.metafabric.history.Event;
import io.metafabric.history.HistoryChecker;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Sessions that go from region to region, over real sockets and disks. */
class RoamingSessionsTest {
  private static final long SEED = 11;
  private static final int WALKERS = 4;
  private static final int STEPS = 150;
  private static final byte[] SECRET = utf8("sixteen bytes, or more");
  private static final Duration LONG = Duration.ofSeconds(30);

  @TempDir Path directory;

  private final List<Event> history = Collections.synchronizedList(new ArrayList<>());

  /** What each version was said to be the value of, by whoever wrote or read it. */
  private final Map<Dot, Set<String>> values = new ConcurrentHashMap<>();

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private FabricBuilder region(int region, List<Integer> ports) {
    List<String> names = ThreeFabricsTest.REGIONS;
    FabricBuilder builder =
        MetadataFabric.builder()
            .region(names.get(region))
            .directory(directory.resolve(names.get(region)))
            .fetchTimeout(LONG)
            .listen("127.0.0.1:" + ports.get(region));
    for (int other = 0; other < names.size(); other++) {
      if (other != region) {
        builder.peer(names.get(other), "127.0.0.1:" + ports.get(other));
      }
    }
    return builder;
  }

  /** Each takes another region for each step, and carries the token as text. */
  @Test
  void whatTheyAreTold_contradictsNoGuarantee() throws Exception {
    List<Integer> ports = FreePorts.take(3);
    try (var eu = region(0, ports).sessionSecret(SECRET).open();
        var us = region(1, ports).sessionSecret(SECRET).open();
        var ap = region(2, ports).sessionSecret(SECRET).open()) {
      ThreeFabricsTest.awaitSync(eu, us, ap);
      var walkers = new ArrayList<Thread>();
      List<Throwable> failures = Collections.synchronizedList(new ArrayList<>());
      for (int i = 1; i <= WALKERS; i++) {
        int walker = i;
        var thread = new Thread(() -> walk(walker, List.of(eu, us, ap)), "walker " + i);
        thread.setUncaughtExceptionHandler((of, failure) -> failures.add(failure));
        walkers.add(thread);
        thread.start();
      }
      for (Thread each : walkers) {
        each.join(TimeUnit.MINUTES.toMillis(3));
        assertThat(each.isAlive()).as("%s hangs, seed %d", each, SEED).isFalse();
      }
      assertThat(failures).as("seed %d", SEED).isEmpty();
      assertThat(history.size()).as("told, seed %d", SEED).isGreaterThan(WALKERS * STEPS / 2);
      assertThat(HistoryChecker.problemsOf(history)).as("seed %d", SEED).isEmpty();
      assertThat(values.values())
          .as("one version is one value, seed %d", SEED)
          .allMatch(each -> each.size() == 1);
    }
  }

  /**
   * Many changes come at once: the index has all of them before the hot tier has been told of any.
   */
  @Test
  void whatIsKnown_isWhatASessionIsShown() throws Exception {
    List<Integer> ports = FreePorts.take(3);
    String key = "many/first";
    try (var eu = region(0, ports).open();
        var us = region(1, ports).open();
        var ap = region(2, ports).open()) {
      ThreeFabricsTest.awaitSync(eu, us, ap);
      eu.put(key, utf8("none"));
      for (int round = 0; round < 10; round++) {
        int last = round;
        await().until(() -> us.explain(key).inHotTier() || us.get(key).isEmpty());
        var written = eu.putAsync(key, utf8("round " + round));
        for (int i = 0; i < 2000; i++) {
          var unused = eu.putAsync("many/" + i, utf8(round + " " + i));
        }
        Version version = written.join();
        Session session = eu.session();
        session.get(key);
        while (!us.explain(key).version().map(known -> known.covers(version.dot())).orElse(false)) {
          Thread.onSpinWait();
        }
        assertThat(us.session(session.token()).get(key).map(Versioned::utf8))
            .as("round %d", last)
            .hasValue("round " + round);
      }
    }
  }

  private void walk(int walker, List<MetadataFabric> regions) {
    var random = new Random(SEED * 31 + walker);
    String token = regions.get(0).session().token().toString();
    for (int step = 0; step < STEPS; step++) {
      int at = random.nextInt(regions.size());
      MetadataFabric fabric = regions.get(at);
      String name = ThreeFabricsTest.REGIONS.get(at);
      String key = "n/" + random.nextInt(6);
      Session session = fabric.session(SessionToken.parse(token));
      int kind = random.nextInt(10);
      if (kind < 5) {
        read(walker, name, session, key);
      } else if (kind < 8) {
        String value = walker + " " + step;
        Version version = session.put(key, utf8(value));
        isValueOf(version, value);
        wrote(walker, name, key, version);
      } else if (kind < 9) {
        readFresh(fabric, name, key);
      } else {
        int other = random.nextInt(regions.size());
        fabric.awaitReplicated(session.token(), ThreeFabricsTest.REGIONS.get(other), LONG);
        fabric.put("apart/" + walker, utf8("x"), WriteConcern.values()[random.nextInt(3)], LONG);
      }
      token = session.token().toString();
    }
  }

  private void isValueOf(Version version, String value) {
    values.computeIfAbsent(version.dot(), none -> ConcurrentHashMap.newKeySet()).add(value);
  }

  private void wrote(int walker, String region, String key, Version version) {
    history.add(new Event.Wrote(walker, region, key, version, false, System.nanoTime()));
  }

  private void read(int walker, String region, Session session, String key) {
    long asked = System.nanoTime();
    Optional<Versioned> value = session.get(key);
    value.ifPresent(each -> isValueOf(each.version(), each.utf8()));
    @Nullable Version shown = value.map(Versioned::version).orElse(null);
    history.add(new Event.Read(walker, region, key, shown, asked, System.nanoTime(), -1));
  }

  private void readFresh(MetadataFabric fabric, String region, String key) {
    long asked = System.nanoTime();
    Duration most = Duration.ofSeconds(2);
    Fresh fresh = fabric.get(key, most);
    long ended = System.nanoTime();
    assertThat(fresh.staleness()).isLessThanOrEqualTo(most);
    assertThat(ThreeFabricsTest.REGIONS).contains(fresh.answeredBy());
    fresh.value().ifPresent(each -> isValueOf(each.version(), each.utf8()));
    @Nullable Version shown = fresh.value().map(Versioned::version).orElse(null);
    // It was as old as that when it was made, which was before it came here.
    long staleness = fresh.staleness().toNanos() + (ended - asked);
    history.add(new Event.Read(Event.NO_SESSION, region, key, shown, asked, ended, staleness));
  }

  @Test
  void aToken_isRefusedWhereItDoesNotBelong_andWhyIsSaid() throws Exception {
    try (var ours =
            MetadataFabric.builder()
                .directory(directory.resolve("a"))
                .cluster("one")
                .sessionSecret(SECRET)
                .open();
        var another =
            MetadataFabric.builder()
                .directory(directory.resolve("b"))
                .cluster("two")
                .sessionSecret(SECRET)
                .open();
        var open =
            MetadataFabric.builder().directory(directory.resolve("c")).cluster("one").open();
        var stranger =
            MetadataFabric.builder()
                .directory(directory.resolve("d"))
                .cluster("one")
                .sessionSecret(utf8("another one of 16 bytes"))
                .open()) {
      Session session = ours.session();
      session.put("n/1", utf8("one"));
      SessionToken token = session.token();
      assertThat(ours.session(SessionToken.parse(token.toString())).get("n/1")).isPresent();
      assertThat(SessionToken.of(token.toBytes())).isEqualTo(token);
      assertThat(token.toString()).matches("[A-Za-z0-9_-]+");

      assertThatThrownBy(() -> another.session(token))
          .isInstanceOf(SessionTokenException.class)
          .hasMessageContaining("\"one\"")
          .hasMessageContaining("\"two\"");
      assertThatThrownBy(() -> open.session(token)).hasMessageContaining("sessionSecret");
      assertThatThrownBy(() -> ours.session(open.session().token()))
          .hasMessageContaining("made without a secret");
      assertThatThrownBy(() -> stranger.session(token))
          .hasMessageContaining("altered, or not made with the secret")
          .message()
          .doesNotContain("sixteen");
      assertThatThrownBy(() -> SessionToken.parse(token.toString().substring(1)))
          .isInstanceOf(SessionTokenException.class);
      assertThatThrownBy(() -> SessionToken.parse("not a token!"))
          .isInstanceOf(SessionTokenException.class)
          .hasMessageContaining("base64url");
      assertThatThrownBy(() -> ours.awaitReplicated(token, "nowhere", LONG))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("nowhere");
    }
  }

  /** What is not durable yet may be missing elsewhere, and is named. */
  @Test
  void aToken_namesWhatItsSessionHasRead_foundDeleted_written_andJoined() {
    try (var alone =
        MetadataFabric.builder()
            .directory(directory.resolve("a"))
            .durability(Durability.OS)
            .open()) {
      Session session = alone.session();
      Version read = alone.put("n/1", utf8("one"));
      assertThat(session.get("n/1")).isPresent();
      assertThat(named(session).contains(read.dot())).isTrue();

      assertThat(alone.remove("n/1")).isTrue();
      assertThat(session.get("n/1")).isEmpty();
      Version deleted = alone.explain("n/1").version().orElseThrow();
      assertThat(deleted).isNotEqualTo(read);
      assertThat(named(session).contains(deleted.dot())).isTrue();

      Version written = session.put("n/2", utf8("two"));
      assertThat(named(session).contains(written.dot())).isTrue();
      assertThat(written.context().contains(deleted.dot())).as("comes after it").isTrue();

      assertThat(session.remove("n/2")).isTrue();
      Version removed = alone.explain("n/2").version().orElseThrow();
      assertThat(named(session).contains(removed.dot())).isTrue();

      Session another = alone.session();
      assertThat(named(another)).isEqualTo(VersionVector.EMPTY);
      another.join(session.token());
      assertThat(named(another).contains(removed.dot())).isTrue();
    }
  }

  private static VersionVector named(Session session) {
    return session.token().content().dependencies().all();
  }

  @Test
  void aForgedToken_makesNobodyWaitForEver_andSaysWhatIsMissing() throws Exception {
    try (var alone =
        MetadataFabric.builder()
            .directory(directory.resolve("a"))
            .fetchTimeout(Duration.ofMillis(50))
            .open()) {
      Version real = alone.put("n/1", utf8("one"));
      VersionVector claimed =
          VersionVector.of(new Dot(real.dot().actor(), Long.MAX_VALUE))
              .with(new Dot(new ActorId(5), 1));
      SessionToken forged =
          SessionToken.of(
              TokenFormat.encode(
                  "default", Dependencies.of(claimed, List.of(), new Stamp(0)), null));
      Session session = alone.session(forged);
      assertThatThrownBy(() -> session.get("n/1"))
          .isInstanceOf(NotReplicatedException.class)
          .hasMessageContaining("1 known to be made")
          .hasMessageContaining("an opening nobody here knows");
      assertThatThrownBy(() -> session.put("n/1", utf8("two")))
          .isInstanceOf(NotReplicatedException.class);
      Session joined = alone.session();
      assertThat(joined.get("n/1")).isPresent();
      joined.join(forged);
      assertThatThrownBy(() -> joined.get("n/1")).isInstanceOf(NotReplicatedException.class);
      assertThatThrownBy(() -> alone.awaitReplicated(forged, "local", Duration.ofMillis(20)))
          .isInstanceOf(NotReplicatedException.class);
      assertThat(alone.get("n/1").map(Versioned::utf8)).hasValue("one");
    }
  }

  @Test
  void withoutOtherRegions_aWriteCannotBeInOne() {
    try (var alone = MetadataFabric.builder().directory(directory.resolve("a")).open()) {
      assertThatThrownBy(() -> alone.put("n/1", utf8("x"), WriteConcern.ONE_OTHER_REGION, LONG))
          .isInstanceOf(ConfigurationException.class);
      assertThat(alone.get("n/1")).isEqualTo(Optional.empty());
      alone.put("n/1", utf8("x"), WriteConcern.HOME_AND_BACKUP, LONG);
      Fresh fresh = alone.get("n/1", Duration.ofSeconds(1));
      assertThat(fresh.value().map(Versioned::utf8)).hasValue("x");
      assertThat(fresh.answeredBy()).isEqualTo("local");
      assertThat(alone.remove("n/1", WriteConcern.HOME_AND_BACKUP, LONG)).isTrue();
      assertThat(alone.remove("n/1", WriteConcern.HOME_AND_BACKUP, LONG)).isFalse();
    }
  }

  @Test
  void whereTheOthersAreAway_theWriteStands_andItsWriterIsToldWhereItIs() throws Exception {
    List<Integer> ports = FreePorts.take(3);
    try (var eu = region(0, ports).open()) {
      assertThatThrownBy(
              () -> eu.put("n/1", utf8("x"), WriteConcern.ONE_OTHER_REGION, Duration.ofMillis(50)))
          .isInstanceOfSatisfying(
              WriteConcernException.class,
              e -> {
                assertThat(e.durableIn()).containsExactly("eu-west");
                assertThat(e.missingIn()).containsExactly("ap-south", "us-east");
              });
      assertThat(eu.stats().storage().written()).isOne();
    }
  }
}
