package io.metafabric;

import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.AccessEvent.Outcome;
import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.port.Clock;
import io.metafabric.core.record.RegionName;
import io.metafabric.predict.ClientForecast;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** What an open fabric's predictors are told, and asked. Thread-safe. */
final class Learning {
  /** The loop that learns from reads waits for so many at most, about 10 ms. */
  private static final int BATCH = 512;

  private final OpenState state;
  private final RunningNode running;
  private final Clock clock;

  Learning(OpenState state, RunningNode running, Clock clock) {
    this.state = state;
    this.running = running;
    this.clock = clock;
  }

  long train(Iterable<PastAccess> accesses) {
    state.requireOpen();
    // What is learned now would be replaced by what was learned before, once that has been read.
    state.awaited(running.get().learnedBefore(), "waiting for what was learned before");
    RegionName region = running.get().region();
    var batch = new ArrayList<AccessEvent>();
    long taken = 0;
    for (PastAccess access : accesses) {
      batch.add(event(access, region));
      if (batch.size() == BATCH) {
        taken += learn(batch);
      }
    }
    return taken + learn(batch);
  }

  private AccessEvent event(PastAccess access, RegionName region) {
    Objects.requireNonNull(access, "an access must not be null");
    long nowMs = clock.wallMs();
    long atMs;
    try {
      atMs = access.at().toEpochMilli();
    } catch (ArithmeticException e) {
      throw new ConfigurationException("an access cannot have been at " + access.at(), e);
    }
    if (atMs < 0 || atMs > nowMs + PastAccess.MAX_AHEAD.toMillis()) {
      throw new ConfigurationException(
          "an access was at "
              + access.at()
              + ", which is not between 1970 and now ("
              + Instant.ofEpochMilli(nowMs)
              + ")");
    }
    return new AccessEvent(access.client(), access.key(), region, atMs, Outcome.REMOTE);
  }

  private long learn(List<AccessEvent> batch) {
    state.requireOpen();
    running.get().train(List.copyOf(batch));
    long taken = batch.size();
    batch.clear();
    return taken;
  }

  ClientForecast predict(String client) {
    PastAccess.requireClient(
        Objects.requireNonNull(client, "client must not be null; name who reads"));
    state.requireOpen();
    return running.get().forecast(client);
  }
}
