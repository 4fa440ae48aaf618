package io.metafabric.replicate.arm;

import io.metafabric.core.record.RegionName;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * What the ARM decided since it was made, and what came of it. Immutable. All of {@code considered}
 * are in exactly one of {@code copied}, {@code improbable}, {@code tooCostly}, {@code
 * copiedLately}, {@code overBudget}, {@code switchedOff}.
 *
 * @param copied decided to be copied
 * @param copiedBytes of their payloads, and what their messages take beside
 * @param overBudgetBytes what the budget refused
 * @param forgotten decisions that have left the log and can no longer be explained
 * @param leastRatio of benefit to cost that is asked for now
 * @param unreadBytes of copies on their way, or here and not read yet
 * @param storedBytes of all copies that share the budget's stored bytes: those that are not read
 *     yet, those that are kept, and shadows, with what they take in memory beside their payloads
 * @param from by the region that sent the copies
 * @param shadows paid for here, by the region that the payload came from or was sent to: each time
 *     that one was made or lived on is a copy, and each in which it was read a used one
 * @param updates of copies in other regions that came from here, by region
 * @param missing payloads that this region is to hold, and that were brought again, by the region
 *     that gave them; none of them counts as used
 * @param spentOfDay dollars in the last 24 to 25 hours, of openings before this one too; of one
 *     that did not end in order, with what it had noted ahead
 * @param prices in force
 * @param budget in force
 * @param retainedBytes of memory, for decisions, copies and rates
 */
public record ArmStats(
    long considered,
    long copied,
    long copiedBytes,
    long improbable,
    long tooCostly,
    long copiedLately,
    long overBudget,
    long overBudgetBytes,
    long switchedOff,
    long forgotten,
    double leastRatio,
    long unreadBytes,
    long storedBytes,
    Map<RegionName, CopyTotals> from,
    Map<RegionName, CopyTotals> shadows,
    Map<RegionName, UpdateTotals> updates,
    Map<RegionName, CopyTotals> missing,
    double spentOfDay,
    Prices prices,
    CopyBudget budget,
    long retainedBytes,
    long maxRetainedBytes) {

  /**
   * What all copies that this region paid for have cost and brought, whether they were fetched
   * ahead, sent as updates, are shadows, or were missing, by the other region.
   */
  public Map<RegionName, CopyTotals> byRegion() {
    var all = new TreeMap<RegionName, CopyTotals>(from);
    shadows.forEach((region, more) -> all.merge(region, more, CopyTotals::plus));
    updates.forEach((region, more) -> all.merge(region, more.asCopies(), CopyTotals::plus));
    missing.forEach((region, more) -> all.merge(region, more, CopyTotals::plus));
    return Collections.unmodifiableMap(all);
  }

  /** The same of all regions. */
  public CopyTotals total() {
    return byRegion().values().stream().reduce(CopyTotals.NONE, CopyTotals::plus);
  }
}
