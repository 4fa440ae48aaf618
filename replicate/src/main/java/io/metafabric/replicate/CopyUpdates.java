package io.metafabric.replicate;

import io.metafabric.core.port.Clock;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.replicate.arm.CopyTerms;
import io.metafabric.replicate.arm.CopyWrite;
import io.metafabric.replicate.arm.ReplicationManager;
import io.metafabric.replicate.arm.Update;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * Puts questions about payloads that regions need not hold to the ARM, and tells it what is heard
 * of them.
 */
final class CopyUpdates {
  private final RegionName here;
  private final @Nullable ReplicationManager arm;
  private final Clock clock;
  private final ToDoubleFunction<RegionName> rttMs;

  /**
   * @param arm null to push every update of what a region holds
   * @param rttMs of a region; NaN before it was measured
   */
  CopyUpdates(
      RegionName here,
      @Nullable ReplicationManager arm,
      Clock clock,
      ToDoubleFunction<RegionName> rttMs) {
    this.here = here;
    this.arm = arm;
    this.clock = clock;
    this.rttMs = rttMs;
  }

  /** Whether what nobody holds is in question at all. */
  boolean decides() {
    return arm != null;
  }

  /**
   * What a region is sent for a write. Before its round trip was measured nothing can be priced,
   * and the payload goes to those that hold one.
   *
   * @param held what the region has, or had, of it
   */
  Update decide(RegionName region, MetadataRecord write, double pressure, CopyWrite.Held held) {
    Bytes payload = write.payload();
    CopyTerms terms = payload == null ? null : terms(region, payload.length());
    if (arm == null || terms == null) {
      return held != CopyWrite.Held.NOTHING ? Update.PUSH : Update.INVALIDATE;
    }
    return arm.decide(
        new CopyWrite(write.key(), write.header().version().dot(), terms, pressure, held),
        clock.nanoTime());
  }

  private @Nullable CopyTerms terms(RegionName region, int payloadBytes) {
    double ms = rttMs.applyAsDouble(region);
    return Double.isNaN(ms) ? null : new CopyTerms(here, region, payloadBytes, ms);
  }

  /** It was fetched here: what was sent of it before is not there. */
  void isFetched(RegionName by, Key key, @Nullable Header known) {
    CopyTerms terms = known == null ? null : terms(by, known.payloadBytes());
    if (arm != null && terms != null) {
      arm.fetchedElsewhere(key, terms, clock.nanoTime());
    }
  }

  /**
   * The region says so.
   *
   * @param isShadow whether it has a shadow
   */
  void isRead(RegionName by, Key key, @Nullable Header known, boolean isShadow) {
    CopyTerms terms = known == null ? null : terms(by, known.payloadBytes());
    if (arm != null && terms != null) {
      arm.readElsewhere(key, terms, isShadow, clock.nanoTime());
    }
  }

  void wrote(RegionName region, MetadataRecord record) {
    CopyTerms terms = terms(region, record.header().payloadBytes());
    if (arm != null && terms != null) {
      arm.wroteElsewhere(record.key(), terms, clock.nanoTime());
    }
  }

  void dropped(RegionName by, Key key) {
    if (arm != null) {
      arm.dropped(key, by, clock.nanoTime());
    }
  }
}
