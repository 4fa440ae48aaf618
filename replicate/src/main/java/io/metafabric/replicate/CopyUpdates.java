package io.metafabric.replicate;

import io.metafabric.core.port.Clock;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.wire.Frame;
import io.metafabric.replicate.arm.CopyWrite;
import io.metafabric.replicate.arm.ReplicationManager;
import io.metafabric.replicate.arm.Update;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Puts questions about copies in other regions to the ARM, and tells it what is heard of them. */
final class CopyUpdates {
  private static final double MICRO = 1e6;

  private final RegionName here;
  private final @Nullable ReplicationManager arm;
  private final Clock clock;

  /**
   * @param arm null to push every update
   */
  CopyUpdates(RegionName here, @Nullable ReplicationManager arm, Clock clock) {
    this.here = here;
    this.arm = arm;
    this.clock = clock;
  }

  /**
   * What a region with a copy is sent for a write.
   *
   * @param rttMs NaN before it was measured: then nothing can be priced, and the payload goes
   */
  Update decide(RegionName holder, MetadataRecord write, double rttMs, double pressure) {
    Bytes payload = write.payload();
    if (arm == null || payload == null || Double.isNaN(rttMs)) {
      return Update.PUSH;
    }
    return arm.decide(
        new CopyWrite(
            write.key(),
            write.header().version().dot(),
            holder,
            here,
            payload.length(),
            rttMs,
            pressure),
        clock.nanoTime());
  }

  void gaveCopy(RegionName to, Key key) {
    if (arm != null) {
      arm.gaveCopy(key, to, clock.nanoTime());
    }
  }

  void dropped(RegionName by, Key key) {
    if (arm != null) {
      arm.dropped(key, by);
    }
  }

  void told(RegionName by, Frame.Reads reads) {
    if (arm != null) {
      reads.readings().forEach(each -> arm.toldReads(each.key(), by, each.microReads() / MICRO));
    }
  }

  /**
   * How often those records are read here of which this region has a copy.
   *
   * @param copied whether it has, or had until a moment ago
   */
  List<Frame.Reading> readings(List<MetadataRecord> records, Predicate<Key> copied) {
    var readings = new ArrayList<Frame.Reading>();
    if (arm == null) {
      return readings;
    }
    long nowNanos = clock.nanoTime();
    for (MetadataRecord record : records) {
      Key key = record.key();
      if (copied.test(key)) {
        double perSecond = arm.readsPerSecond(key.path(), nowNanos);
        readings.add(new Frame.Reading(key, Math.round(perSecond * MICRO)));
      }
    }
    return readings;
  }
}
