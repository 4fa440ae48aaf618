package io.metafabric.host;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.replicate.tls.PeerProof;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks now and then whether the files of a node's certificates have changed, and says in the log
 * what became of it. Thread-safe.
 */
public final class CertificateWatch implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(CertificateWatch.class);
  private static final Duration EVERY = Duration.ofSeconds(10);

  private final PeerProof proof;
  private final SerialExecutor thread;
  private @Nullable String logged;

  /**
   * @param thread closed with this
   */
  public CertificateWatch(PeerProof proof, SerialExecutor thread) {
    this.proof = proof;
    this.thread = thread;
    thread.schedule(EVERY, this::look);
  }

  /**
   * Looks now.
   *
   * @throws ConfigurationException as {@link PeerProof#reload}
   */
  public void reload() {
    if (proof.reload()) {
      log.info("certificates were read anew");
    }
  }

  private void look() {
    try {
      reload();
      logged = null;
    } catch (ConfigurationException e) {
      if (!String.valueOf(e.getMessage()).equals(logged)) {
        log.warn("changed certificates are not taken, those of before stay: {}", e.getMessage());
      }
      logged = e.getMessage();
    } finally {
      thread.schedule(EVERY, this::look);
    }
  }

  @Override
  public void close() {
    thread.close();
  }
}
