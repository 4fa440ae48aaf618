package io.metafabric.benchmarks.replay;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which of three regions a row belongs to. Time zones become the Americas, Europe with Africa, and
 * Asia with the Pacific; other names are dealt out in alphabetical order; without names, clients
 * are hashed.
 */
final class RegionMap {
  private static final Pattern ZONE = Pattern.compile("UTC([+-])(\\d\\d)(\\d\\d)");
  private static final int LAST_OF_AMERICAS_MINUTES = -120;
  private static final int FIRST_OF_ASIA_MINUTES = 240;

  private final Trace trace;
  private final int regions;
  private final int[] byName;

  RegionMap(Trace trace, int regions) {
    this.trace = trace;
    this.regions = regions;
    this.byName = new int[trace.regions().size()];
    List<String> sorted = new ArrayList<>(new TreeSet<>(trace.regions()));
    for (int i = 0; i < byName.length; i++) {
      String name = trace.regions().get(i);
      Matcher zone = ZONE.matcher(name);
      byName[i] = zone.matches() ? continent(zone) : sorted.indexOf(name) % regions;
    }
  }

  private static int continent(Matcher zone) {
    int minutes = Integer.parseInt(zone.group(2)) * 60 + Integer.parseInt(zone.group(3));
    int east = zone.group(1).equals("+") ? minutes : -minutes;
    if (east <= LAST_OF_AMERICAS_MINUTES) {
      return 0;
    }
    return east < FIRST_OF_ASIA_MINUTES ? 1 : 2;
  }

  int of(int row) {
    if (regions == 1) {
      return 0;
    }
    return trace.hasRegions()
        ? byName[trace.region()[row]]
        : Math.floorMod(
            trace.clients().get(trace.client()[row]).hashCode() * 0x9E3779B9 >>> 8, regions);
  }
}
