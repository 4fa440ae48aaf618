package io.metafabric.replicate.shadow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.record.RegionName;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ShadowRulesTest {
  private static final Duration TTL = Duration.ofMinutes(1);

  private static void refused(Runnable what, String... words) {
    assertThatThrownBy(what::run)
        .isInstanceOf(ConfigurationException.class)
        .message()
        .contains(words);
  }

  @Test
  void aNamespaceThatNoKeyCanHave_isRefused() {
    for (String each : List.of("", "A!", "users/", "~own", "x".repeat(65))) {
      refused(() -> ShadowRule.forNamespace(each, 3, TTL), "no key can have the namespace");
    }
    assertThatThrownBy(() -> ShadowRule.forNamespace(null, 3, TTL))
        .isInstanceOf(NullPointerException.class)
        .hasMessage("namespace");
  }

  @Test
  void theMostSpecificRuleCounts() {
    ShadowRules rules =
        ShadowRules.of(
            ShadowRule.forPrefix("", 3, TTL),
            ShadowRule.forNamespace("users", 4, TTL),
            ShadowRule.forPrefix("users/eu-", 5, TTL),
            ShadowRule.forClient("batch", 1, TTL),
            new ShadowRule("users/", "batch", 2, TTL));
    assertThat(rules.ruleFor("files/1", null).factor()).isEqualTo(3);
    assertThat(rules.ruleFor("users/1", "someone").factor()).isEqualTo(4);
    assertThat(rules.ruleFor("usersandmore/1", null).factor()).isEqualTo(3);
    assertThat(rules.ruleFor("users/eu-1", null).factor()).isEqualTo(5);
    assertThat(rules.ruleFor("users/eu-1", "batch").factor()).isEqualTo(2);
    assertThat(rules.ruleFor("files/1", "batch").factor()).isEqualTo(1);
  }

  @Test
  void withoutARule_thereIsNoShadow() {
    assertThat(ShadowRules.NONE.isEmpty()).isTrue();
    assertThat(ShadowRules.NONE.ruleFor("n/1", null).factor()).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(ints = {Integer.MIN_VALUE, -1, 0, 65, Integer.MAX_VALUE})
  void aFactorThatCannotBe_isRefused(int factor) {
    refused(
        () -> ShadowRule.forNamespace("n", factor, TTL),
        "shadowing factor",
        "1 to 64",
        String.valueOf(factor));
  }

  @Test
  void aFactorAboveTheNumberOfRegions_isRefused() {
    Set<RegionName> three = Set.of(new RegionName("a"), new RegionName("b"), new RegionName("c"));
    ShadowRules.of(ShadowRule.forNamespace("n", 3, TTL)).requireRegions(three);
    refused(
        () -> ShadowRules.of(ShadowRule.forNamespace("n", 4, TTL)).requireRegions(three),
        "shadowing factor",
        "1 to 3",
        "was 4");
  }

  @ParameterizedTest
  @ValueSource(strings = {"PT0S", "PT-1S", "PT0.999S", "P31D", "P36500D", "PT2562047788015215H"})
  void aTimeToLiveThatCannotBe_isRefused(String timeToLive) {
    refused(
        () -> ShadowRule.forNamespace("n", 3, Duration.parse(timeToLive)),
        "timeToLive",
        "PT1S to PT720H",
        Duration.parse(timeToLive).toString());
  }

  @ParameterizedTest
  @ValueSource(doubles = {-0.01, 1.01, Double.NaN, Double.POSITIVE_INFINITY})
  void aConfidenceThatIsNoProbability_isRefused(double confidence) {
    refused(
        () -> ShadowRules.NONE.withConfidence(confidence),
        "confidence",
        "0 to 1",
        String.valueOf(confidence));
  }

  @Test
  void twoRulesForTheSame_andTooMany_andTooLongOnes_areRefused() {
    ShadowRule rule = ShadowRule.forNamespace("n", 3, TTL);
    refused(() -> ShadowRules.of(rule, ShadowRule.forPrefix("n/", 2, TTL)), "two shadow rules");
    var many = new ArrayList<ShadowRule>();
    for (int i = 0; i <= ShadowRules.MAX_RULES; i++) {
      many.add(ShadowRule.forNamespace("n" + i, 3, TTL));
    }
    refused(() -> new ShadowRules(many, 0.5), "1000", "1001");
    refused(() -> ShadowRule.forPrefix("x".repeat(513), 3, TTL), "prefix", "512", "513");
    refused(() -> ShadowRule.forClient(" ", 3, TTL), "client");
    assertThat(new ShadowRules(List.of(rule), 0).ruleFor("n/1", null)).isEqualTo(rule);
  }
}
