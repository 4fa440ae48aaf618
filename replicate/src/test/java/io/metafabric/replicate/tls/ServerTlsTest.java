package io.metafabric.replicate.tls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.transport.TestCertificates;
import io.metafabric.core.transport.TestCertificates.Made;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The certificate of a server, as its files change. */
class ServerTlsTest {
  private static final long NOW_MS = System.currentTimeMillis();

  @TempDir Path directory;

  private Path certificate;
  private Path key;
  private ServerTls tls;

  @BeforeEach
  void make() throws Exception {
    certificate = directory.resolve("web.pem");
    key = directory.resolve("web.key");
    tls = ServerTls.fromPem(certificate, key);
    write();
  }

  private void write() throws Exception {
    Made made = new TestCertificates("prod").of("prod", "eu");
    made.certificateTo(certificate);
    made.keyTo(key);
  }

  @Test
  void changedFilesAreTaken_andUnchangedOnesAreNotReadAnew() throws Exception {
    ServerTls.Loaded first = tls.load(NOW_MS);
    assertThat(tls.reload(first, NOW_MS)).isSameAs(first);
    assertThat(first.newEngine().getNeedClientAuth()).isFalse();
    assertThat(first.newEngine().getEnabledProtocols()).containsExactly("TLSv1.3");
    write();
    assertThat(tls.reload(first, NOW_MS)).isNotSameAs(first);
  }

  @Test
  void filesThatCannotBeUsed_areRefusedByName() throws Exception {
    ServerTls.Loaded first = tls.load(NOW_MS);
    long inAYear = NOW_MS + 365L * 24 * 3600 * 1000;
    assertThatThrownBy(() -> tls.load(inAYear))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("web.pem");
    new TestCertificates("prod").of("prod", "eu").keyTo(key);
    assertThatThrownBy(() -> tls.reload(first, NOW_MS))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContainingAll("web.key", "web.pem");
    Files.delete(key);
    assertThatThrownBy(() -> tls.load(NOW_MS))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContainingAll("web.key", "does not exist");
  }
}
