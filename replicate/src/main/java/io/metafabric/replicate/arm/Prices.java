package io.metafabric.replicate.arm;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.record.RegionName;
import java.util.Collections;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What things cost, in micro-dollars: for all regions, and for those that differ. Immutable.
 *
 * @param perTransferredByte between two regions; at most {@value #MAX_PER_BYTE}, which is 1,000
 *     dollars a GB
 * @param perStoredByteHour of a copy; at most {@value #MAX_PER_BYTE_HOUR}, which is 730 dollars a
 *     GB-month
 * @param perSavedMs what a millisecond that a reader need not wait is worth; at most {@value
 *     #MAX_PER_MS}, which is a dollar
 * @param transfers of the pairs of regions whose price is another
 * @param storage of the regions whose price of storage is another
 * @param savedMs of the regions in which a millisecond is worth something else
 */
public record Prices(
    double perTransferredByte,
    double perStoredByteHour,
    double perSavedMs,
    Map<Pair, Double> transfers,
    Map<RegionName, Double> storage,
    Map<RegionName, Double> savedMs) {
  public static final double MAX_PER_BYTE = 1;
  public static final double MAX_PER_BYTE_HOUR = 0.001;
  public static final double MAX_PER_MS = 1e6;

  private static final double MICRO = 1e6;
  private static final double BYTES_PER_GB = 1e9;
  private static final double HOURS_PER_MONTH = 730;

  /**
   * 0.02 dollars a GB between regions, 0.10 dollars a GB-month of block storage: the list prices of
   * the large public clouds in North America (<a
   * href="https://aws.amazon.com/ec2/pricing/on-demand/">data transfer</a>, <a
   * href="https://aws.amazon.com/ebs/pricing/">storage</a>). A saved second is worth 10
   * micro-dollars, an hour of waiting 3.6 cents: about what the waiting processor costs. Where
   * people wait, it is worth a thousand times as much.
   */
  public static final Prices DEFAULT =
      new Prices(0.02e6 / BYTES_PER_GB, 0.10e6 / BYTES_PER_GB / HOURS_PER_MONTH, 0.01);

  /** The way that bytes go: out of one region, into another. */
  public record Pair(RegionName from, RegionName to) implements Comparable<Pair> {
    public Pair {
      if (from.equals(to)) {
        throw new ConfigurationException(
            "a price of transfer needs two regions, but both are " + from);
      }
    }

    @Override
    public int compareTo(Pair that) {
      int byFrom = from.compareTo(that.from);
      return byFrom == 0 ? to.compareTo(that.to) : byFrom;
    }

    @Override
    public String toString() {
      return from + " to " + to;
    }
  }

  public Prices {
    require("perTransferredByte", perTransferredByte, MAX_PER_BYTE);
    require("perStoredByteHour", perStoredByteHour, MAX_PER_BYTE_HOUR);
    require("perSavedMs", perSavedMs, MAX_PER_MS);
    requireAll("transfers", transfers);
    requireAll("storage", storage);
    requireAll("savedMs", savedMs);
    transfers.forEach(
        (pair, price) -> require("perTransferredByte from " + pair, price, MAX_PER_BYTE));
    storage.forEach(
        (region, price) -> require("perStoredByteHour in " + region, price, MAX_PER_BYTE_HOUR));
    savedMs.forEach((region, price) -> require("perSavedMs in " + region, price, MAX_PER_MS));
    transfers = Collections.unmodifiableMap(new TreeMap<>(transfers));
    storage = Collections.unmodifiableMap(new TreeMap<>(storage));
    savedMs = Collections.unmodifiableMap(new TreeMap<>(savedMs));
  }

  /** The same prices in all regions. */
  public Prices(double perTransferredByte, double perStoredByteHour, double perSavedMs) {
    this(perTransferredByte, perStoredByteHour, perSavedMs, Map.of(), Map.of(), Map.of());
  }

  /** A null would fail somewhere below, and not say whose it is. */
  private static void requireAll(String name, Map<?, Double> prices) {
    if (prices == null) {
      throw new ConfigurationException("prices of " + name + " must be a map, was null");
    }
    prices.forEach(
        (of, price) -> {
          if (of == null || price == null) {
            throw new ConfigurationException(
                "prices of " + name + " must have no null in them, was " + of + " = " + price);
          }
        });
  }

  private static void require(String name, double value, double most) {
    if (!(value >= 0 && value <= most)) {
      throw new ConfigurationException(
          "price " + name + " must be 0 to " + most + " micro-dollars, was " + value);
    }
  }

  /** The same with another price of transfer out of one region into another, in dollars a GB. */
  public Prices withTransferPerGb(String from, String to, double dollars) {
    var pair = new Pair(region("from", from), region("to", to));
    var changed = new TreeMap<>(transfers);
    changed.put(pair, dollars * MICRO / BYTES_PER_GB);
    return new Prices(perTransferredByte, perStoredByteHour, perSavedMs, changed, storage, savedMs);
  }

  /** The same with another price of storage in a region, in dollars a GB and month of 730 hours. */
  public Prices withStoragePerGbMonth(String region, double dollars) {
    var changed = new TreeMap<>(storage);
    changed.put(region("region", region), dollars * MICRO / BYTES_PER_GB / HOURS_PER_MONTH);
    return new Prices(
        perTransferredByte, perStoredByteHour, perSavedMs, transfers, changed, savedMs);
  }

  /** The same with another value of a millisecond in all regions that have none of their own. */
  public Prices withSavedMs(double microDollars) {
    return new Prices(
        perTransferredByte, perStoredByteHour, microDollars, transfers, storage, savedMs);
  }

  /** The same with another value of a millisecond that a reader in a region need not wait. */
  public Prices withSavedMs(String region, double microDollars) {
    var changed = new TreeMap<>(savedMs);
    changed.put(region("region", region), microDollars);
    return new Prices(
        perTransferredByte, perStoredByteHour, perSavedMs, transfers, storage, changed);
  }

  private static RegionName region(String what, String name) {
    return new RegionName(Objects.requireNonNull(name, what));
  }

  /** Of a byte out of one region into another. */
  public double transferred(RegionName from, RegionName to) {
    return transfers.isEmpty()
        ? perTransferredByte
        : transfers.getOrDefault(new Pair(from, to), perTransferredByte);
  }

  /** Of a byte that is kept in a region for an hour. */
  public double stored(RegionName in) {
    return storage.getOrDefault(in, perStoredByteHour);
  }

  /** Of a millisecond that a reader in a region need not wait. */
  public double saved(RegionName in) {
    return savedMs.getOrDefault(in, perSavedMs);
  }

  /**
   * @throws ConfigurationException if there is a price of a region that is none of these
   */
  public void requireRegions(Set<RegionName> known) {
    var named = new TreeSet<RegionName>(storage.keySet());
    named.addAll(savedMs.keySet());
    for (Pair pair : transfers.keySet()) {
      named.add(pair.from());
      named.add(pair.to());
    }
    named.removeAll(known);
    if (!named.isEmpty()) {
      throw new ConfigurationException(
          "there are prices of " + named + ", but the regions are " + new TreeSet<>(known));
    }
  }
}
