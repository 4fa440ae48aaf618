package io.metafabric.replicate;

import io.metafabric.core.port.Clock;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Key;
import io.metafabric.core.store.Published;
import io.metafabric.core.store.RecordStore;
import java.util.ArrayList;
import java.util.List;

/**
 * What a publication here sets off towards peers. The committing thread tells of it and does not
 * wait: the sending itself is left to the loop, as one task for all that is published until it
 * begins.
 */
final class Publications {
  private final RecordStore store;
  private final SerialExecutor loop;
  private final Clock clock;
  private final Peers peers;
  private final PublicationTimes times;
  private final Fetches fetches;
  private final OutgoingPayloads payloads;

  Publications(
      RecordStore store,
      SerialExecutor loop,
      Clock clock,
      Peers peers,
      PublicationTimes times,
      Fetches fetches,
      OutgoingPayloads payloads) {
    this.store = store;
    this.loop = loop;
    this.clock = clock;
    this.peers = peers;
    this.times = times;
    this.fetches = fetches;
    this.payloads = payloads;
  }

  /** By the committing thread. */
  void published(List<Published> changes) {
    if (peers.isEmpty()) {
      return;
    }
    noteTimes(changes);
    overtake(changes);
    payloads.published(changes);
    peers.links().values().forEach(Outbound::pumpSoon);
  }

  private void noteTimes(List<Published> changes) {
    for (int i = changes.size() - 1; i >= 0; i--) {
      if (changes.get(i).local()) {
        // Of what is here beside another's write, that is not the one in front.
        times.published(store.publishedCounter(), clock.nanoTime());
        return;
      }
    }
  }

  /** What is asked for ahead of its reads is here now, or is not the newest any more. */
  private void overtake(List<Published> changes) {
    var overtaken = new ArrayList<Key>();
    for (Published change : changes) {
      if (fetches.isPrefetching(change.record().key())) {
        overtaken.add(change.record().key());
      }
    }
    if (!overtaken.isEmpty()) {
      loop.execute(() -> fetches.overtaken(overtaken));
    }
  }
}
