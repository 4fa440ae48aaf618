package io.metafabric.migrate;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.place.HomeLookup;
import io.metafabric.core.place.Homes;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Which region answers for a key: the namespace's configured homes, else the two regions with the
 * highest hash of region and key (rendezvous hashing), so that all regions agree without asking and
 * a region that joins or leaves changes the homes of its own share only. Immutable.
 *
 * @see <a href="https://doi.org/10.1109/90.663936">Thaler and Ravishankar, Using Name-Based
 *     Mappings to Increase Hit Rates, 1998</a>
 */
public final class HomeDirectory implements HomeLookup {
  private static final long FNV_OFFSET = 0xcbf29ce484222325L;
  private static final long FNV_PRIME = 0x100000001b3L;

  private final List<RegionName> regions;
  private final Map<String, Homes> byNamespace;
  private final Set<RegionName> evicted;
  // Those that are not evicted.
  private final List<RegionName> members;

  /**
   * @param regions all configured regions, this one included; order does not matter
   * @param byNamespace homes that the configuration fixes
   * @throws ConfigurationException if there is no region, or a fixed home is not one of them
   */
  public HomeDirectory(List<RegionName> regions, Map<String, Homes> byNamespace) {
    if (regions.isEmpty()) {
      throw new ConfigurationException("a home directory needs at least one region");
    }
    if (byNamespace.size() > MAX_FIXED_HOMES) {
      throw new ConfigurationException(
          byNamespace.size()
              + " namespaces are given homes, and at most "
              + MAX_FIXED_HOMES
              + " may be; leave out those whose home does not matter");
    }
    this.regions = List.copyOf(new TreeSet<>(regions));
    this.byNamespace = new TreeMap<>(byNamespace);
    this.evicted = Set.of();
    this.members = this.regions;
    byNamespace.forEach(
        (namespace, homes) -> {
          requireSeveral(namespace, homes);
          requireKnown(namespace, homes.home());
          RegionName backup = homes.backup();
          if (backup != null) {
            requireKnown(namespace, backup);
          }
          if (homes.home().equals(backup)) {
            throw new ConfigurationException(
                "home and backup of namespace \""
                    + namespace
                    + "\" are both "
                    + backup
                    + "; choose another region as backup");
          }
        });
  }

  private HomeDirectory(HomeDirectory all, Set<RegionName> evicted) {
    this.regions = all.regions;
    this.byNamespace = all.byNamespace;
    this.evicted = Set.copyOf(evicted);
    this.members = regions.stream().filter(region -> !evicted.contains(region)).toList();
  }

  /**
   * @throws IllegalArgumentException if no region is left
   */
  @Override
  public HomeDirectory without(Set<RegionName> gone) {
    var without = new HomeDirectory(this, gone);
    if (without.members.isEmpty()) {
      throw new IllegalArgumentException("no region is left without " + gone);
    }
    return without;
  }

  @Override
  public SortedMap<String, Homes> fixedHomes() {
    return new TreeMap<>(byNamespace);
  }

  private void requireSeveral(String namespace, Homes homes) {
    if (regions.size() == 1 && homes.backup() != null) {
      throw new ConfigurationException(
          "namespace \""
              + namespace
              + "\" is given a home and a backup, but the only region is "
              + regions.get(0)
              + ", the home of every key; leave home(...) out, or add a peer(...)");
    }
  }

  private void requireKnown(String namespace, RegionName region) {
    if (!regions.contains(region)) {
      throw new ConfigurationException(
          "namespace \""
              + namespace
              + "\" has its home in region "
              + region
              + ", but the known regions are "
              + regions
              + "; add a peer(...) for it or choose another home");
    }
  }

  @Override
  public Homes homesOf(Key key) {
    Homes fixed = byNamespace.isEmpty() ? null : byNamespace.get(key.namespace());
    if (fixed == null) {
      return rendezvous(key);
    }
    return evicted.isEmpty() ? fixed : fixed.without(evicted, rendezvous(key));
  }

  @Override
  public boolean isHeldBy(RegionName region, Key key) {
    // One or two hold everything, and nobody need say which of them is the home.
    if (byNamespace.isEmpty() && members.size() <= 2) {
      return members.contains(region);
    }
    return homesOf(key).include(region);
  }

  private Homes rendezvous(Key key) {
    RegionName first = members.get(0);
    RegionName second = null;
    long firstScore = score(first, key);
    long secondScore = 0;
    for (int i = 1; i < members.size(); i++) {
      RegionName region = members.get(i);
      long score = score(region, key);
      if (Long.compareUnsigned(score, firstScore) > 0) {
        second = first;
        secondScore = firstScore;
        first = region;
        firstScore = score;
      } else if (second == null || Long.compareUnsigned(score, secondScore) > 0) {
        second = region;
        secondScore = score;
      }
    }
    return new Homes(first, second);
  }

  /**
   * FNV-1a over region and key, then a finaliser, since FNV's high bits mix badly on short keys.
   */
  private static long score(RegionName region, Key key) {
    long hash = fnv(FNV_OFFSET, region.name());
    hash = (hash ^ 0xff) * FNV_PRIME;
    hash = fnv(hash, key.path());
    hash ^= hash >>> 33;
    hash *= 0xff51afd7ed558ccdL;
    hash ^= hash >>> 33;
    hash *= 0xc4ceb9fe1a85ec53L;
    return hash ^ (hash >>> 33);
  }

  private static long fnv(long seed, String text) {
    long hash = seed;
    for (int i = 0; i < text.length(); i++) {
      hash = (hash ^ text.charAt(i)) * FNV_PRIME;
    }
    return hash;
  }
}
