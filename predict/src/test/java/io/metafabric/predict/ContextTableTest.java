package io.metafabric.predict;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ContextTableTest {
  @Test
  void whatFollowed_isCounted() {
    var table = new ContextTable(1 << 20);
    table.add(5, 100);
    table.add(5, 100);
    table.add(5, 200);
    int row = table.find(5);
    assertThat(table.seen(row)).isEqualTo(3);
    assertThat(table.reference(row, 0)).isEqualTo(100);
    assertThat(table.count(row, 0)).isEqualTo(2);
    assertThat(table.count(row, 1)).isEqualTo(1);
    assertThat(table.find(6)).isEqualTo(ContextTable.ABSENT);
  }

  @Test
  void anOldHabit_givesWayToANewOne() {
    var table = new ContextTable(1 << 20);
    for (int i = 0; i < 1_000; i++) {
      table.add(5, 100);
    }
    for (int i = 0; i < 64; i++) {
      table.add(5, 200);
    }
    int row = table.find(5);
    int newer = table.reference(row, 0) == 200 ? 0 : 1;
    assertThat(table.reference(row, newer)).isEqualTo(200);
    assertThat(table.count(row, newer)).isGreaterThan(table.count(row, 1 - newer));
  }

  @Test
  void aFloodOfContexts_staysWithinTheBound_andSparesWhatIsSeenOften() {
    long maxBytes = 64 << 10;
    var table = new ContextTable(maxBytes);
    table.ensureContexts(1_000_000);
    for (int i = 0; i < 10; i++) {
      table.add(-1, 7);
    }
    for (int context = 0; context < 200_000; context++) {
      table.add(context, 1);
    }
    assertThat(table.retainedBytes()).isLessThanOrEqualTo(maxBytes);
    assertThat(table.find(-1)).isNotEqualTo(ContextTable.ABSENT);
  }

  @Test
  void growing_keepsWhatIsKnown() {
    var table = new ContextTable(1 << 20);
    for (int context = 1; context <= 30; context++) {
      table.add(context, context + 1_000);
    }
    int known = 0;
    for (int context = 1; context <= 30; context++) {
      known += table.find(context) == ContextTable.ABSENT ? 0 : 1;
    }
    table.ensureContexts(10_000);
    int still = 0;
    for (int context = 1; context <= 30; context++) {
      int row = table.find(context);
      if (row != ContextTable.ABSENT) {
        assertThat(table.reference(row, 0)).isEqualTo(context + 1_000);
        still++;
      }
    }
    assertThat(known).isGreaterThan(20);
    assertThat(still).isEqualTo(known);
  }
}
