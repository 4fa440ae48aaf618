package io.metafabric.replicate;

import io.metafabric.core.port.Clock;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.version.Dot;
import io.metafabric.core.wire.DeltaCoding;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.TrainedDictionary;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The dictionaries by which this node tells payloads, one for each of a few namespaces, for all
 * peers: trained in the background by what is sent. Nothing of them outlives the node. Belongs to
 * the loop.
 */
final class Dictionaries {
  /** A namespace that had nothing to tell for so long gives its place to another. */
  private static final Duration IDLE = Duration.ofMinutes(10);

  private final DeltaConfig config;
  private final DeltaCoding coding;
  private final SerialExecutor loop;
  private final SerialExecutor background;
  private final Clock clock;
  private final DictionaryCounters counters;
  private final Map<String, NamespaceDictionary> namespaces = new HashMap<>();
  private @Nullable Dot sampled;
  private long numbers;

  Dictionaries(
      DeltaConfig config,
      DeltaCoding coding,
      SerialExecutor loop,
      SerialExecutor background,
      Clock clock,
      DictionaryCounters counters) {
    this.config = config;
    this.coding = coding;
    this.loop = loop;
    this.background = background;
    this.clock = clock;
    this.counters = counters;
  }

  static long maxBytes(DeltaConfig config) {
    return Frame.Dictionary.PLACES * NamespaceDictionary.maxBytes(config.sampleBytes());
  }

  /** Null if others have all the places. */
  @Nullable NamespaceDictionary of(String namespace) {
    long now = clock.nanoTime();
    NamespaceDictionary known = namespaces.get(namespace);
    if (known == null) {
      known = begun(namespace, now);
    }
    if (known != null) {
      known.used(now);
    }
    return known;
  }

  private @Nullable NamespaceDictionary begun(String namespace, long now) {
    int place = namespaces.size();
    if (place == Frame.Dictionary.PLACES) {
      place = freed(now);
    }
    if (place < 0) {
      return null;
    }
    var begun = new NamespaceDictionary(place, config.sampleBytes(), now);
    namespaces.put(namespace, begun);
    counters.retainedBytes.addAndGet(begun.estimatedBytes());
    return begun;
  }

  /** The place of one that is idle, or -1. */
  private int freed(long now) {
    for (Map.Entry<String, NamespaceDictionary> each : namespaces.entrySet()) {
      NamespaceDictionary idle = each.getValue();
      if (idle.isIdle(now, IDLE)) {
        counters.retainedBytes.addAndGet(-idle.estimatedBytes());
        namespaces.remove(each.getKey());
        return idle.place();
      }
    }
    return -1;
  }

  /** A payload that a dictionary of its namespace would have been of use for. */
  void sample(NamespaceDictionary of, MetadataRecord record, Bytes payload) {
    // It goes to several peers, and perhaps twice to one.
    Dot dot = record.header().version().dot();
    Dot last = sampled;
    if (last != null && last.actor().equals(dot.actor()) && last.counter() >= dot.counter()) {
      return;
    }
    sampled = dot;
    long now = clock.nanoTime();
    long before = of.estimatedBytes();
    boolean isEnough = of.sample(payload, now);
    counters.retainedBytes.addAndGet(of.estimatedBytes() - before);
    if (isEnough) {
      List<Bytes> samples = of.train(now);
      background.execute(
          () -> {
            TrainedDictionary made = null;
            try {
              made = coding.train(samples, Frame.Dictionary.MAX_BYTES);
            } finally {
              TrainedDictionary result = made;
              loop.execute(() -> trained(of, result));
            }
          });
    }
  }

  private void trained(NamespaceDictionary of, @Nullable TrainedDictionary made) {
    long before = of.estimatedBytes();
    counters.trained.incrementAndGet();
    if (!of.trained(made, ++numbers)) {
      counters.useless.incrementAndGet();
    }
    counters.retainedBytes.addAndGet(of.estimatedBytes() - before);
  }

  /** What became of a payload. */
  void told(NamespaceDictionary of, int wholeBytes, int asBytes) {
    long before = of.estimatedBytes();
    if (!of.told(wholeBytes, asBytes)) {
      counters.useless.incrementAndGet();
    }
    counters.retainedBytes.addAndGet(of.estimatedBytes() - before);
  }
}
