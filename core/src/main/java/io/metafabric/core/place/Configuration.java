package io.metafabric.core.place;

import io.metafabric.core.record.RegionName;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Which of the regions that all are built with belong to the cluster. Only operators change it, and
 * each change has the next epoch. Immutable.
 *
 * @param epoch how many changes led here; 0 if all regions belong to it
 * @param changed the regions that were evicted at some time, and how they stand now; all others are
 *     members since epoch 0
 */
public record Configuration(long epoch, SortedMap<RegionName, Standing> changed) {
  /** All regions are members, as none ever was evicted. */
  public static final Configuration INITIAL = new Configuration(0, new TreeMap<>());

  /**
   * @param since the epoch that made it so
   */
  public record Standing(boolean evicted, long since) {
    static final Standing FROM_THE_BEGINNING = new Standing(false, 0);
  }

  public Configuration {
    changed = Collections.unmodifiableSortedMap(new TreeMap<>(changed));
    for (Standing each : changed.values()) {
      if (each.since < 1 || each.since > epoch) {
        throw new IllegalArgumentException(
            "nothing can have changed at epoch " + each.since + " of " + epoch);
      }
    }
  }

  private Standing of(RegionName region) {
    return changed.getOrDefault(region, Standing.FROM_THE_BEGINNING);
  }

  /** Of a region that is one of those that all are built with. */
  public boolean isMember(RegionName region) {
    return !of(region).evicted;
  }

  /** The epoch that evicted the region, or took it in; 0 if it always was a member. */
  public long since(RegionName region) {
    return of(region).since;
  }

  public Set<RegionName> evicted() {
    return changed.entrySet().stream()
        .filter(each -> each.getValue().evicted)
        .map(Map.Entry::getKey)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** The next one, without a member. */
  public Configuration without(RegionName region) {
    return with(region, true);
  }

  /** The next one, with a region that was evicted. */
  public Configuration readmitting(RegionName region) {
    return with(region, false);
  }

  private Configuration with(RegionName region, boolean evicted) {
    var next = new TreeMap<>(changed);
    next.put(region, new Standing(evicted, epoch + 1));
    return new Configuration(epoch + 1, next);
  }

  /**
   * Whether who holds {@code older} may go over to this one. Not if a region would be a member by
   * it that the older one has evicted, and it does not know of that: its old state would be merged.
   */
  public boolean follows(Configuration older) {
    if (epoch <= older.epoch) {
      return false;
    }
    for (var before : older.changed.entrySet()) {
      Standing now = of(before.getKey());
      if (!now.evicted && now.since < before.getValue().since) {
        return false;
      }
    }
    return true;
  }

  /** For operators: what it says of each region that ever was evicted. */
  @Override
  public String toString() {
    var text = new StringBuilder("configuration ").append(epoch);
    String separator = " (";
    for (var each : changed.entrySet()) {
      text.append(separator)
          .append(each.getKey())
          .append(each.getValue().evicted ? " evicted" : " readmitted")
          .append(" at ")
          .append(each.getValue().since);
      separator = ", ";
    }
    return text.append(changed.isEmpty() ? " (nothing evicted)" : ")").toString();
  }
}
