package io.metafabric;

import io.metafabric.core.wire.Frame.ShadowAnswer;
import io.metafabric.core.wire.Frame.ShadowFacts;
import io.metafabric.core.wire.MoveOutcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The shadows of a key, asked of every member of the cluster. Immutable.
 *
 * @param home the region that answers for the key, and holds its payload
 * @param backup so does this one; empty if there is one region only
 * @param shadows sorted by region
 * @param unknown regions that did not say whether they have one, and why, by name
 */
public record ShadowReport(
    String key,
    String home,
    Optional<String> backup,
    List<ShadowStatus> shadows,
    SortedMap<String, String> unknown) {
  public ShadowReport {
    shadows = List.copyOf(shadows);
    unknown = Collections.unmodifiableSortedMap(new TreeMap<>(unknown));
  }

  static ShadowReport of(
      String key, String home, Optional<String> backup, List<ShadowAnswer> answers) {
    var shadows = new TreeMap<String, ShadowStatus>();
    Map<String, String> unknown = new TreeMap<>();
    for (ShadowAnswer answer : answers) {
      String region = answer.region().name();
      ShadowFacts facts = answer.facts();
      if (facts != null) {
        shadows.put(region, statusOf(region, facts));
      } else if (answer.outcome() != MoveOutcome.NOT_FOUND) {
        unknown.put(region, answer.message());
      }
    }
    return new ShadowReport(
        key, home, backup, new ArrayList<>(shadows.values()), new TreeMap<>(unknown));
  }

  static ShadowStatus statusOf(String region, ShadowFacts facts) {
    return new ShadowStatus(
        region,
        facts.dot(),
        Duration.ofMillis(facts.ageMs()),
        facts.hits(),
        Duration.ofMillis(facts.leftMs()),
        facts.reason());
  }
}
