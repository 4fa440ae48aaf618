package io.metafabric;

import io.metafabric.core.place.Homes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.version.Version;
import io.metafabric.predict.PastPrediction;
import io.metafabric.replicate.arm.Decision;
import io.metafabric.replicate.arm.KeptCopy;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What one node knows of a key.
 *
 * @param version empty if nothing is known of the key
 * @param deleted whether that version is a tombstone
 * @param writtenIn the region that wrote it; empty if nothing is known
 * @param payloadBytes 0 if nothing is known, or it is deleted
 * @param home the region that answers for the key
 * @param backup empty if there is one region only
 * @param inHotTier whether a read finds it in memory
 * @param inWarmTier whether the journal here holds its payload
 * @param keptCopy a payload that this region need not hold and keeps in memory beside the hot tier,
 *     with the reason
 * @param predictions the last ones of it here that were let through, newest last, each with the
 *     sources that proposed it, what each said, and what came of it
 * @param decisions the last ones about copying it here, newest last, with their numbers
 * @param shadows the last ones about shadows of it, newest last, as far as this region took part
 */
public record Explanation(
    String key,
    Optional<Version> version,
    boolean deleted,
    Optional<String> writtenIn,
    int payloadBytes,
    String home,
    Optional<String> backup,
    boolean inHotTier,
    boolean inWarmTier,
    Optional<KeptCopy> keptCopy,
    List<PastPrediction> predictions,
    List<String> decisions,
    List<String> shadows) {

  static Explanation of(
      Key key,
      @Nullable Header header,
      Homes homes,
      boolean inHotTier,
      boolean inWarmTier,
      @Nullable KeptCopy keptCopy,
      List<PastPrediction> predictions,
      List<Decision> decisions,
      List<String> shadows) {
    return new Explanation(
        key.path(),
        Optional.ofNullable(header).map(Header::version),
        header != null && header.isTombstone(),
        Optional.ofNullable(header).map(known -> known.writtenIn().name()),
        header == null ? 0 : header.payloadBytes(),
        homes.home().name(),
        Optional.ofNullable(homes.backup()).map(region -> region.name()),
        inHotTier,
        inWarmTier,
        Optional.ofNullable(keptCopy),
        List.copyOf(predictions),
        decisions.stream().map(Decision::toString).toList(),
        List.copyOf(shadows));
  }
}
