package io.metafabric.core.store;

import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Version;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Joins what two regions know of one key where concurrent writes are kept beside each other: those
 * that no other has seen remain. The same everywhere, whatever the order in which they are learned:
 * commutative, associative, idempotent.
 */
final class Siblings {
  /** What the headers of all versions may take beside the largest payload. */
  private static final int HEADER_BYTES = 64 << 10;

  /**
   * @param record what is known now
   * @param fellOut what there was no room for: the earliest ones
   */
  record Joined(MetadataRecord record, List<Sibling> fellOut) {}

  private Siblings() {}

  /**
   * @param maxValueBytes all payloads together take no more, and no more than {@link
   *     MetadataRecord#MAX_VERSIONS} remain: so the record fits into a frame
   */
  static Joined join(MetadataRecord a, MetadataRecord b, int maxValueBytes) {
    var byDot = new LinkedHashMap<Dot, Sibling>();
    a.versions().forEach(each -> add(byDot, each));
    b.versions().forEach(each -> add(byDot, each));
    List<Sibling> left = unseen(byDot.values());
    left = MetadataRecord.ordered(left);
    int fitting = fitting(left, maxValueBytes);
    return new Joined(
        MetadataRecord.of(a.key(), left.subList(0, fitting)),
        List.copyOf(left.subList(fitting, left.size())));
  }

  /** The versions of {@code state}, with the payloads that {@code other} has of them. */
  static MetadataRecord withPayloadsOf(MetadataRecord state, MetadataRecord other) {
    var versions = new ArrayList<Sibling>();
    for (Sibling each : state.versions()) {
      Sibling filled = each;
      for (Sibling from : other.versions()) {
        Bytes payload = from.payload();
        boolean same = from.header().version().dot().equals(each.header().version().dot());
        if (same && each.payload() == null && payload != null && each.header().describes(payload)) {
          filled = new Sibling(each.header(), payload);
        }
      }
      versions.add(filled);
    }
    return MetadataRecord.of(state.key(), versions);
  }

  /** Whether only a defect, here or elsewhere, can have made these two. */
  static boolean collide(MetadataRecord a, MetadataRecord b) {
    for (Sibling each : a.versions()) {
      for (Sibling other : b.versions()) {
        Version one = each.header().version();
        Version two = other.header().version();
        boolean sameDot = one.dot().equals(two.dot());
        if (LastWriterWins.sawEachOther(one, two)
            || (sameDot && each.header().payloadCrc32c() != other.header().payloadCrc32c())) {
          return true;
        }
      }
    }
    return false;
  }

  private static void add(Map<Dot, Sibling> byDot, Sibling sibling) {
    byDot.merge(sibling.header().version().dot(), sibling, Siblings::sameDot);
  }

  /** One write with two payloads is a defect somewhere; regions must agree on one of them. */
  private static Sibling sameDot(Sibling a, Sibling b) {
    Header header = LastWriterWins.join(a.header(), b.header());
    boolean isA = header.payloadCrc32c() == a.header().payloadCrc32c();
    boolean isB = header.payloadCrc32c() == b.header().payloadCrc32c();
    return new Sibling(header, isA && a.payload() != null ? a.payload() : isB ? b.payload() : null);
  }

  private static List<Sibling> unseen(Collection<Sibling> all) {
    var left = new ArrayList<Sibling>(all.size());
    for (Sibling each : all) {
      if (all.stream().noneMatch(other -> replaces(other.header(), each.header()))) {
        left.add(each);
      }
    }
    // Nobody is left only where several claim to have seen each other in a circle.
    return left.isEmpty() ? new ArrayList<>(all) : left;
  }

  /** No correct node issues versions that saw each other; neither is believed then. */
  private static boolean replaces(Header later, Header earlier) {
    Version after = later.version();
    Version before = earlier.version();
    return !after.dot().equals(before.dot())
        && after.covers(before.dot())
        && !before.covers(after.dot());
  }

  /** How many of the first there is room for: at least one, and the same in every region. */
  private static int fitting(List<Sibling> ordered, int maxValueBytes) {
    long bytes = 0;
    for (int i = 0; i < ordered.size(); i++) {
      Header header = ordered.get(i).header();
      bytes += RecordCodec.estimatedBytes(header) + (long) header.payloadBytes();
      if (i == MetadataRecord.MAX_VERSIONS
          || (i > 0 && bytes > (long) maxValueBytes + HEADER_BYTES)) {
        return i;
      }
    }
    return ordered.size();
  }
}
