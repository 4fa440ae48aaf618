package io.metafabric.core.conflict;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.record.Key;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ConflictRuleTest {
  static final Merge FIRST = (a, b) -> a;
  static final ConflictRule MERGE = ConflictRule.merge("first-1", FIRST);

  @Test
  void aMergeKeepsSiblingsUntilItHasRun_andTheLastWriterKeepsNone() {
    assertThat(ConflictRule.lastWriterWins().keepsSiblings()).isFalse();
    assertThat(ConflictRule.siblings().keepsSiblings()).isTrue();
    assertThat(MERGE.keepsSiblings()).isTrue();
    assertThat(MERGE.homeOnly().keepsSiblings()).isTrue();
  }

  @Test
  void aMergeRunsInAllRegions_orAtTheHomeAlone() {
    assertThat(MERGE.merge()).isSameAs(FIRST);
    assertThat(MERGE.mergesEverywhere()).isTrue();
    assertThat(MERGE.homeOnly().merge()).isSameAs(FIRST);
    assertThat(MERGE.homeOnly().mergesEverywhere()).isFalse();
    assertThat(ConflictRule.siblings().merge()).isNull();
    assertThat(ConflictRule.siblings().mergesEverywhere()).isFalse();
    assertThatThrownBy(() -> ConflictRule.siblings().homeOnly())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("siblings");
  }

  @Test
  void rulesAreCompared_asRegionsDo_byTheirNames() {
    assertThat(ConflictRule.merge("first-1", (a, b) -> b))
        .isEqualTo(MERGE)
        .hasSameHashCodeAs(MERGE);
    assertThat(MERGE.homeOnly()).isNotEqualTo(MERGE).isEqualTo(MERGE.homeOnly().homeOnly());
    assertThat(MERGE).isNotEqualTo(ConflictRule.merge("first-2", FIRST)).isNotEqualTo("first-1");
    assertThat(MERGE).hasToString("merge first-1");
    assertThat(MERGE.homeOnly().name()).isEqualTo("merge first-1, home only");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "Sum", "a b", "a/b", "\u00e9"})
  void aNameOfAnotherForm_isRefused(String name) {
    assertThatThrownBy(() -> ConflictRule.merge(name, FIRST))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("\"" + name + "\"");
  }

  @Test
  void aNameHasAtMost64Characters() {
    assertThat(ConflictRule.merge("m".repeat(64), FIRST).name()).endsWith("m".repeat(64));
    assertThatThrownBy(() -> ConflictRule.merge("m".repeat(65), FIRST))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aNamespaceWithoutARule_isOfTheLastWriter() {
    var rules =
        new ConflictRules(
            Map.of(
                "kept", ConflictRule.siblings(),
                "merged", MERGE,
                "plain", ConflictRule.lastWriterWins()));

    assertThat(rules.of(Key.of("kept/1"))).isEqualTo(ConflictRule.siblings());
    assertThat(rules.of(Key.of("other/1"))).isEqualTo(ConflictRule.lastWriterWins());
    assertThat(ConflictRules.DEFAULT.of(Key.of("kept/1"))).isEqualTo(ConflictRule.lastWriterWins());
    assertThat(rules.names())
        .as("what regions must agree on")
        .isEqualTo(Map.of("kept", "siblings", "merged", "merge first-1"));
  }

  @Test
  void moreNamespacesThanFitIntoAHandshake_areRefused() {
    assertThat(new ConflictRules(namespaces(ConflictRules.MAX_NAMESPACES)).byNamespace())
        .hasSize(ConflictRules.MAX_NAMESPACES);
    assertThatThrownBy(() -> new ConflictRules(namespaces(ConflictRules.MAX_NAMESPACES + 1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("512");
  }

  private static Map<String, ConflictRule> namespaces(int count) {
    return IntStream.range(0, count)
        .mapToObj(i -> "n" + i)
        .collect(Collectors.toMap(Function.identity(), name -> ConflictRule.siblings()));
  }
}
