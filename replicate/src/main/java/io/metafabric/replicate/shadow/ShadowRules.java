package io.metafabric.replicate.shadow;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.record.RegionName;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What shadows there are to be. Immutable.
 *
 * @param rules of which the most specific one that covers a read counts: one for a client before
 *     one for everybody, of those the one with the longest prefix. At most {@value #MAX_RULES}, no
 *     two for the same client and prefix
 * @param confidence in [0, 1]: a prediction that is at least so probable, and pays by the ARM's
 *     arithmetic, makes a shadow as a read does
 */
public record ShadowRules(List<ShadowRule> rules, double confidence) {
  public static final int MAX_RULES = 1000;
  public static final double DEFAULT_CONFIDENCE = 0.8;

  /** No shadows but those that are asked for by name. */
  public static final ShadowRules NONE = new ShadowRules(List.of(), DEFAULT_CONFIDENCE);

  /** Payloads are held by home and backup alone. */
  private static final ShadowRule NO_SHADOW =
      new ShadowRule("", null, 1, ShadowRule.DEFAULT_TIME_TO_LIVE);

  public ShadowRules {
    rules = List.copyOf(rules);
    if (rules.size() > MAX_RULES) {
      throw new ConfigurationException(
          "there may be " + MAX_RULES + " shadow rules, were " + rules.size());
    }
    if (!(confidence >= 0 && confidence <= 1)) {
      throw new ConfigurationException(
          "confidence of shadow rules must be 0 to 1, was " + confidence);
    }
    var scopes = new HashSet<List<@Nullable String>>();
    for (ShadowRule rule : rules) {
      if (!scopes.add(Arrays.asList(rule.prefix(), rule.client()))) {
        throw new ConfigurationException(
            "there are two shadow rules for prefix \""
                + rule.prefix()
                + "\" and client "
                + rule.client());
      }
    }
  }

  public static ShadowRules of(ShadowRule... rules) {
    return new ShadowRules(List.of(rules), DEFAULT_CONFIDENCE);
  }

  public ShadowRules withConfidence(double probability) {
    return new ShadowRules(rules, probability);
  }

  /**
   * @throws ConfigurationException if a factor is above the number of regions
   */
  public void requireRegions(Set<RegionName> regions) {
    rules.forEach(rule -> rule.requireRegions(regions));
  }

  /** Whether any read can make a shadow. */
  public boolean isEmpty() {
    return rules.isEmpty();
  }

  /** What counts for a read of a key. */
  public ShadowRule ruleFor(String path, @Nullable String client) {
    ShadowRule best = null;
    for (ShadowRule rule : rules) {
      if (rule.covers(path, client) && (best == null || rule.isMoreSpecificThan(best))) {
        best = rule;
      }
    }
    return best == null ? NO_SHADOW : best;
  }
}
