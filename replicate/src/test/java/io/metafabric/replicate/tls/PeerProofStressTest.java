package io.metafabric.replicate.tls;

import static io.metafabric.core.stress.Interleavings.race;
import static io.metafabric.core.stress.Interleavings.require;
import static io.metafabric.core.stress.Interleavings.times;

import io.metafabric.core.record.RegionName;
import io.metafabric.core.transport.TestCertificates;
import io.metafabric.core.transport.TestCertificates.Made;
import io.metafabric.core.transport.TestCertificates.Wish;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Real threads look at files that have changed, while others prove who they are. */
@Tag("stress")
class PeerProofStressTest {
  private static final int ROUNDS = 20;

  @TempDir Path directory;

  private static void write(TestCertificates authority, Instant until, Path certificate, Path key)
      throws Exception {
    Made made = authority.make(new Wish().uri("metafabric://prod/eu").until(until));
    made.certificateTo(certificate);
    made.keyTo(key);
  }

  @Test
  void whatIsNewIsTakenOnce_andWhoIsTrustedStaysTrusted() throws Exception {
    var authority = new TestCertificates("prod");
    Path certificate = directory.resolve("eu.pem");
    Path key = directory.resolve("eu.key");
    Path trust = authority.certificateTo(directory.resolve("ca.pem"));
    Instant soon = Instant.now().truncatedTo(ChronoUnit.DAYS).plus(Duration.ofDays(2));
    write(authority, soon, certificate, key);
    PeerProof proof =
        PeerProof.open(
            PeerTls.fromPem(certificate, key, trust),
            "prod",
            new RegionName("eu"),
            System::currentTimeMillis);
    X509Certificate[] peer = {authority.of("prod", "us").certificate()};
    for (int round = 1; round <= times(ROUNDS); round++) {
      Instant until = soon.plus(Duration.ofMinutes(round));
      write(authority, until, certificate, key);
      var taken = new AtomicInteger();
      race(
          () -> reload(proof, until, taken),
          () -> reload(proof, until, taken),
          () -> {
            proof.newEngine(true);
            require(proof.whoIs(peer).region().name().equals("us"), "another region");
          });
      require(taken.get() == 1, "taken " + taken + " times");
      require(proof.stats().reloads() == round, "counted " + proof.stats().reloads());
    }
  }

  /** Whoever has asked for it goes by what is new, also if another one has taken it. */
  private static void reload(PeerProof proof, Instant until, AtomicInteger taken) {
    taken.addAndGet(proof.reload() ? 1 : 0);
    require(proof.stats().expiresAtMs() == until.toEpochMilli(), "the old one is still used");
  }
}
