package io.metafabric.host;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Logs what listeners of the host throw. Thread-safe. */
public final class ListenerFailures {
  private static final Logger log = LoggerFactory.getLogger(ListenerFailures.class);

  private ListenerFailures() {}

  /**
   * @param event what the listener was told
   */
  public static void log(Object event, Throwable failure) {
    log.warn("a listener failed at {}", event, failure);
  }
}
