package io.metafabric.node;

import io.metafabric.core.place.Homes;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.Precondition;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Reads and writes of a simulated cluster, waited for. */
final class SimReads {
  private static final Duration PATIENCE = Duration.ofMinutes(1);

  private SimReads() {}

  static Key keyWithHomes(SimCluster cluster, RegionName home, RegionName backup) {
    for (int i = 0; ; i++) {
      Key key = Key.of("n/" + i);
      if (cluster.node(cluster.regions.get(0)).homesOf(key).equals(new Homes(home, backup))) {
        return key;
      }
    }
  }

  /** Writes a value, or removes it if that is null. */
  static MetadataRecord write(SimCluster cluster, RegionName in, Key key, @Nullable String value) {
    Bytes payload = value == null ? null : Bytes.utf8(value);
    var writing = cluster.node(in).write(key, payload, Header.NEVER, Precondition.NONE);
    cluster.world.runUntil("a write", writing::isDone, PATIENCE);
    return writing.join();
  }

  static ReadOutcome outcome(SimCluster cluster, RegionName in, Key key) {
    FabricNode<MetadataRecord> node = cluster.node(in);
    MetadataRecord hit = node.hit(null, key.path()) == null ? null : node.hotTier().peek(key);
    if (hit != null) {
      return new ReadOutcome.Value(hit, io.metafabric.core.access.AccessEvent.Outcome.HOT);
    }
    CompletableFuture<ReadOutcome> reading = node.read(null, key);
    cluster.world.runUntil("a read", reading::isDone, PATIENCE);
    node.finished(null, key, reading.join());
    return reading.join();
  }

  /** As readers see it: "stale one", "one", "absent", "unreachable". */
  static String read(SimCluster cluster, RegionName in, Key key) {
    ReadOutcome outcome = outcome(cluster, in, key);
    if (outcome instanceof ReadOutcome.Value value) {
      return text(value.record());
    }
    if (outcome instanceof ReadOutcome.Superseded older) {
      return "stale " + text(older.record());
    }
    return outcome instanceof ReadOutcome.Absent ? "absent" : "unreachable";
  }

  private static String text(MetadataRecord record) {
    Bytes payload = record.payload();
    return payload == null ? "without payload" : payload.toUtf8();
  }
}
