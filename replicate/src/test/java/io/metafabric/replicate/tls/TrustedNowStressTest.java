package io.metafabric.replicate.tls;

import static io.metafabric.core.stress.Interleavings.race;
import static io.metafabric.core.stress.Interleavings.require;
import static io.metafabric.core.stress.Interleavings.times;

import io.metafabric.core.transport.TestCertificates;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Real threads at two times: each is checked by what is valid at its own. */
@Tag("stress")
class TrustedNowStressTest {
  private static final Instant FIRST = Instant.parse("2030-01-01T00:00:00Z");
  private static final Instant SECOND = FIRST.plus(Duration.ofDays(100));
  private static final int ROUNDS = 20;

  private static X509Certificate validAround(TestCertificates authority, Instant time)
      throws Exception {
    Duration day = Duration.ofDays(1);
    return authority.valid(time.minus(day), time.plus(day)).certificate();
  }

  @Test
  void aCheckIsByWhatIsValidAtItsTime() throws Exception {
    var authority = new TestCertificates("prod");
    X509Certificate first = validAround(authority, FIRST);
    X509Certificate second = validAround(authority, SECOND);
    X509Certificate leaf = authority.of("prod", "eu").certificate();
    var file = new NamedFile("trust", Path.of("ca.pem"));
    var trusted = new TrustedNow(file, List.of(first, second));
    race(
        () -> check(trusted, leaf, FIRST, first),
        () -> check(trusted, leaf, SECOND, second),
        () -> check(trusted, leaf, FIRST, first));
  }

  private static void check(
      TrustedNow trusted, X509Certificate leaf, Instant now, X509Certificate valid)
      throws CertificateException {
    for (int i = 0; i < times(ROUNDS); i++) {
      trusted.check(
          leaf,
          now,
          by -> {
            List<X509Certificate> asked = List.of(by.getAcceptedIssuers());
            require(asked.equals(List.of(valid)), "checked by what is valid at another time");
          });
    }
  }
}
