package io.metafabric.core.record;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.codec.AnyRecords;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

class MetadataRecordTest {
  static final Key KEY = Key.of("n/1");
  static final RegionName PARIS = new RegionName("paris");

  @Provide
  Arbitrary<MetadataRecord> records() {
    return AnyRecords.recordsWithSiblings();
  }

  @Provide
  Arbitrary<Dot> dots() {
    return AnyRecords.dots();
  }

  /** By the actor {@code i}; later than those of lower ones. */
  private static Sibling value(int i, long expiresAtMs) {
    var version = new Version(new Dot(new ActorId(i), 1), VersionVector.EMPTY, new Stamp(i));
    Bytes payload = Bytes.utf8("by " + i);
    return new Sibling(Header.value(version, PARIS, payload, expiresAtMs), payload);
  }

  private static MetadataRecord of(Sibling... versions) {
    return MetadataRecord.of(KEY, List.of(versions));
  }

  @Property
  void aRecordIsWhatItsVersionsMake(@ForAll("records") MetadataRecord record) {
    List<Sibling> versions = record.versions();

    assertThat(MetadataRecord.of(record.key(), versions)).isEqualTo(record);
    assertThat(record.hasSiblings()).isEqualTo(versions.size() > 1);
    assertThat(record.alone().versions()).containsExactly(versions.get(0));
    int shown = record.shown().size();
    for (int i = 1; i < versions.size(); i++) {
      Header first = versions.get(i - 1).header();
      Header next = versions.get(i).header();
      assertThat(first.winsOver(next)).isNotEqualTo(next.winsOver(first));
      assertThat(first.winsOver(next) || i == shown)
          .as("in order, but where no more is shown")
          .isTrue();
    }
  }

  @Property
  void whatIsNotShown_isAMergeThatAShownVersionSaysAllOf(@ForAll("records") MetadataRecord record) {
    List<Sibling> shown = record.shown();

    assertThat(shown).isNotEmpty().isEqualTo(record.versions().subList(0, shown.size()));
    for (Sibling hidden : record.versions().subList(shown.size(), record.versions().size())) {
      assertThat(hidden.header().kind()).isEqualTo(Header.Kind.MERGED);
      assertThat(record.versions()).anyMatch(each -> hidden.header().isSaidBy(each.header()));
    }
    assertThat(record.showsNoMoreWith(record.versions())).isTrue();
    assertThat(record.showsNoMoreWith(shown)).isTrue();
  }

  @Property
  void aRecordHas_andCovers_whatOneOfItsVersionsDoes(
      @ForAll("records") MetadataRecord record, @ForAll("dots") Dot any) {
    var dots = new ArrayList<>(List.of(any));
    record.versions().forEach(each -> dots.add(each.header().version().dot()));
    for (Dot dot : dots) {
      assertThat(record.has(dot))
          .isEqualTo(
              record.versions().stream()
                  .anyMatch(each -> each.header().version().dot().equals(dot)));
      assertThat(record.covers(dot))
          .isEqualTo(
              record.versions().stream().anyMatch(each -> each.header().version().covers(dot)));
    }
  }

  @Property
  void whoHasReadARecord_hasSeenAllItsVersions_andNothingElse(
      @ForAll("records") MetadataRecord record, @ForAll("dots") Dot any) {
    Version seen = record.seen();

    assertThat(seen.dot()).isEqualTo(record.header().version().dot());
    if (isOfCorrectNodes(record)) {
      assertThat(seen.covers(any)).isEqualTo(record.covers(any));
      record
          .versions()
          .forEach(each -> assertThat(seen.covers(each.header().version().dot())).isTrue());
    }
  }

  /** No sibling has seen the winner. */
  private static boolean isOfCorrectNodes(MetadataRecord record) {
    Dot winner = record.header().version().dot();
    return record.siblings().stream()
        .noneMatch(each -> each.header().version().seen().contains(winner));
  }

  @Property
  void withoutPayload_onlyTheHeadersAreLeft(@ForAll("records") MetadataRecord record) {
    MetadataRecord headers = record.withoutPayload();

    assertThat(headers.versions()).allMatch(each -> each.payload() == null);
    assertThat(headers.versions())
        .extracting(Sibling::header)
        .isEqualTo(record.versions().stream().map(Sibling::header).toList());
    assertThat(headers.withoutPayload()).isSameAs(headers);
    assertThat(headers.withPayload(record.payload()).payload()).isEqualTo(record.payload());
    assertThat(headers.withPayload(record.payload()).siblings()).isEqualTo(headers.siblings());
  }

  @Test
  void aPayloadOfASiblingAlone_isLeftOutToo() {
    MetadataRecord record = of(value(2, Header.NEVER), value(1, Header.NEVER)).withPayload(null);

    assertThat(record.siblings().get(0).payload()).isNotNull();
    assertThat(record.withoutPayload().siblings().get(0).payload()).isNull();
  }

  @Test
  void theFirstThatHasNotExpired_isShown() {
    MetadataRecord record = of(value(3, 10), value(2, 20), value(1, 15));

    assertThat(record.visibleAt(9)).isEqualTo(value(3, 10));
    assertThat(record.visibleAt(10)).isEqualTo(value(2, 20));
    assertThat(record.visibleAt(15)).isEqualTo(value(2, 20));
    assertThat(record.visibleAt(20)).isNull();
  }

  @Test
  void anotherHeader_leavesPayloadAndSiblings() {
    MetadataRecord record = of(value(2, Header.NEVER), value(1, Header.NEVER));
    Version more = record.seen();

    MetadataRecord next = record.withHeader(record.header().withVersion(more));

    assertThat(next.header().version()).isEqualTo(more);
    assertThat(next.payload()).isEqualTo(record.payload());
    assertThat(next.siblings()).isEqualTo(record.siblings());
  }

  @Test
  void siblingsInAnotherOrder_orTooMany_areRefused() {
    assertThatThrownBy(() -> of(value(1, Header.NEVER), value(2, Header.NEVER)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("n/1");
    assertThatThrownBy(
            () -> of(value(3, Header.NEVER), value(1, Header.NEVER), value(2, Header.NEVER)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(versions(MetadataRecord.MAX_VERSIONS).versions())
        .hasSize(MetadataRecord.MAX_VERSIONS);
    assertThatThrownBy(() -> versions(MetadataRecord.MAX_VERSIONS + 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("n/1");
  }

  private static MetadataRecord versions(int count) {
    return of(
        IntStream.range(0, count)
            .mapToObj(i -> value(count - i, Header.NEVER))
            .toArray(Sibling[]::new));
  }
}
