package io.metafabric.core.codec;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;

/**
 * Arbitrary nouns. Extreme values are among the parts; the products of all of them, which jqwik
 * calls edge cases, would leave no tries for anything else.
 */
public final class AnyRecords {
  private static final int MERGED = 3;

  private AnyRecords() {}

  /** Few enough to meet again, and on both sides of the sign. */
  public static Arbitrary<ActorId> actors() {
    return Arbitraries.oneOf(
            Arbitraries.of(1L, 2L, 3L, -1L, Long.MIN_VALUE, Long.MAX_VALUE), Arbitraries.longs())
        .filter(id -> id != 0)
        .map(ActorId::new);
  }

  public static Arbitrary<Dot> dots() {
    return Combinators.combine(actors(), counters()).as(Dot::new);
  }

  private static Arbitrary<Long> counters() {
    return Arbitraries.oneOf(
        Arbitraries.longs().between(1, 5), Arbitraries.longs().greaterOrEqual(1));
  }

  public static Arbitrary<VersionVector> vectors() {
    return Arbitraries.maps(actors(), counters())
        .ofMaxSize(6)
        .map(entries -> VersionVector.of(new TreeMap<>(entries)))
        .withoutEdgeCases();
  }

  /** What was seen, lone dots among it. */
  public static Arbitrary<VersionVector> contexts() {
    return Combinators.combine(vectors(), dots().list().ofMaxSize(4))
        .as(
            (vector, lone) -> {
              VersionVector context = vector;
              for (Dot dot : lone) {
                context = context.withLone(dot);
              }
              return context;
            })
        .withoutEdgeCases();
  }

  public static Arbitrary<Version> versions() {
    return Combinators.combine(
            dots(), contexts(), Arbitraries.longs().greaterOrEqual(0).map(Stamp::new))
        .filter((dot, context, stamp) -> !context.contains(dot))
        .as(Version::new)
        .withoutEdgeCases();
  }

  public static Arbitrary<RegionName> regions() {
    return Arbitraries.strings()
        .withCharRange('a', 'z')
        .numeric()
        .withChars('-')
        .ofMinLength(0)
        .ofMaxLength(62)
        .map(rest -> new RegionName("r" + rest));
  }

  public static Arbitrary<Key> keys() {
    Arbitrary<String> namespaces =
        Arbitraries.strings()
            .withCharRange('a', 'z')
            .numeric()
            .withChars('.', '_', '-')
            .ofMinLength(1)
            .ofMaxLength(64);
    Arbitrary<String> ids =
        Arbitraries.integers()
            .between(0x20, Character.MAX_CODE_POINT)
            .filter(c -> !Character.isISOControl(c) && (c < 0xd800 || c > 0xdfff))
            .list()
            .ofMinSize(1)
            .ofMaxSize(60)
            .map(AnyRecords::text);
    return Combinators.combine(namespaces, ids).as((space, id) -> Key.of(space + "/" + id));
  }

  private static String text(Iterable<Integer> codePoints) {
    var text = new StringBuilder();
    codePoints.forEach(text::appendCodePoint);
    return text.toString();
  }

  public static Arbitrary<Bytes> payloads() {
    return Arbitraries.bytes().array(byte[].class).ofMaxSize(300).map(Bytes::copyOf);
  }

  public static Arbitrary<MetadataRecord> records() {
    Arbitrary<Long> expiries =
        Arbitraries.longs().greaterOrEqual(0).injectDuplicates(0.1).edgeCases(e -> e.add(0L));
    return Combinators.combine(
            keys(), versions(), regions(), payloads(), expiries, Arbitraries.of(0, 1, 2, MERGED))
        .as(AnyRecords::record)
        .withoutEdgeCases();
  }

  /** Records with siblings among them. */
  public static Arbitrary<MetadataRecord> recordsWithSiblings() {
    return Combinators.combine(keys(), records().list().ofMinSize(1).ofMaxSize(5))
        .as(AnyRecords::siblings)
        .withoutEdgeCases();
  }

  private static MetadataRecord siblings(Key key, List<MetadataRecord> records) {
    var versions = new ArrayList<Sibling>();
    for (MetadataRecord each : records) {
      boolean isNew =
          versions.stream()
              .noneMatch(
                  other -> other.header().version().dot().equals(each.header().version().dot()));
      if (isNew) {
        versions.add(new Sibling(each.header(), each.payload()));
      }
    }
    return MetadataRecord.of(key, MetadataRecord.ordered(versions));
  }

  private static MetadataRecord record(
      Key key, Version version, RegionName region, Bytes payload, long expiresAtMs, int kind) {
    if (kind == 0) {
      return new MetadataRecord(key, Header.tombstone(version, region), null);
    }
    Header header =
        kind == MERGED
            ? Header.merged(version, region, payload, expiresAtMs)
            : Header.value(version, region, payload, expiresAtMs);
    return new MetadataRecord(key, header, kind == 1 ? null : payload);
  }
}
