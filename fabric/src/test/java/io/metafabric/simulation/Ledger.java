package io.metafabric.simulation;

import io.metafabric.core.conflict.Conflict;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.store.LastWriterWins;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.VersionVector;
import io.metafabric.merge.Max;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** All writes that were ever tried, and what each dot was seen to name. */
final class Ledger {
  /** A context that names fewer goes on naming them. */
  private static final int ACTORS_THAT_STAY = 8;

  private static final int MAX_WRITES = 100_000;

  private final boolean clocksJump;
  private final List<Write> writes = new ArrayList<>();
  private final Map<Dot, Header> named = new HashMap<>();
  private final Map<Key, List<Header>> merges = new HashMap<>();
  private final Map<Key, Set<Header>> exports = new HashMap<>();
  private final Map<Key, Set<Header>> ends = new HashMap<>();

  Ledger(boolean clocksJump) {
    this.clocksJump = clocksJump;
  }

  /** Values are all different: each begins with its number. */
  Write begin(Key key, int payloadBytes, long expiresAtMs) {
    int number = writes.size();
    Bytes payload = null;
    if (payloadBytes > 0) {
      var text = new StringBuilder().append(number).append(' ').append(key).append(' ');
      while (text.length() < payloadBytes) {
        text.append((char) ('a' + text.length() % 26));
      }
      payload = Bytes.utf8(text.toString());
    }
    var write = new Write(number, key, payload, expiresAtMs, 0);
    writes.add(write);
    return write;
  }

  /** Of a counter. */
  Write add(Key key, Bytes payload, int amount) {
    var write = new Write(writes.size(), key, payload, Header.NEVER, amount);
    writes.add(write);
    return write;
  }

  /**
   * Of a maximum.
   *
   * @param height 0 deletes
   */
  Write measure(Key key, int height) {
    int number = writes.size();
    long value = height == 0 ? 0 : (long) height * MAX_WRITES + number;
    Bytes payload = height == 0 ? null : Bytes.copyOf(new Max(value).toBytes());
    var write = new Write(number, key, payload, Header.NEVER, value);
    writes.add(write);
    return write;
  }

  /** The write that a maximum was given its value by. */
  Write writeOf(Max max) {
    return writes.get((int) (max.value() % MAX_WRITES));
  }

  /**
   * Whether a key's header, or a newer one that hides it, was a deletion or had an expiry, and has
   * come to all regions: then nothing of either may be known any more. A deletion, or a write with
   * an expiry, of which nobody knows what became, is taken to have been such a one.
   *
   * @param isEverywhere says whether all regions have applied a version and what it replaced
   */
  boolean mayBeForgotten(Key key, Header header, Predicate<Header> isEverywhere) {
    return hasUnseenEnd(key, header)
        || ends.getOrDefault(key, Set.of()).stream()
            .anyMatch(end -> isNewer(end, header) && isEverywhere.test(end));
  }

  /** The same where concurrent writes are kept: what hides a version has seen it, or is it. */
  boolean mayBeForgottenBeside(Key key, Header header, Predicate<Header> isEverywhere) {
    Dot dot = header.version().dot();
    return hasUnseenEnd(key, header)
        || ends.getOrDefault(key, Set.of()).stream()
            .anyMatch(end -> end.version().covers(dot) && isEverywhere.test(end));
  }

  /** One that hides a header has no earlier stamp: by clocks that agree, it was not made before. */
  private boolean hasUnseenEnd(Key key, Header hidden) {
    long sinceMs = clocksJump ? Long.MIN_VALUE : hidden.version().stamp().wallMs();
    return writes.stream()
        .anyMatch(
            write ->
                write.key.equals(key)
                    && write.header == null
                    && write.fate != Write.Fate.REFUSED
                    && write.madeUntilMs >= sinceMs
                    && (write.payload == null || write.expiresAtMs != Header.NEVER));
  }

  static boolean isMortal(Header header) {
    return header.isTombstone() || header.expiresAtMs() != Header.NEVER;
  }

  private static boolean isNewer(Header one, Header other) {
    return LastWriterWins.join(one, other).version().dot().equals(one.version().dot());
  }

  /**
   * Whether a version had seen a write, or is it. Of a key that many openings have written not
   * everything is named by which all regions have come: there it must be the later one.
   */
  boolean covers(Key key, Header later, Header write) {
    return later.version().covers(write.version().dot())
        || (isNewer(later, write) && hasManyActors(key));
  }

  private boolean hasManyActors(Key key) {
    VersionVector actors = VersionVector.EMPTY;
    int unknown = 0;
    for (Write write : writes) {
      if (write.key.equals(key)) {
        Header header = write.header;
        unknown += header == null ? 1 : 0;
        actors = header == null ? actors : actors.merge(header.version().asContext());
      }
    }
    return actors.size() + unknown >= ACTORS_THAT_STAY;
  }

  /** A region that was evicted has said that it had this alone. */
  void exported(Conflict conflict) {
    exports.computeIfAbsent(conflict.key(), each -> new LinkedHashSet<>()).add(conflict.lost());
  }

  /** Whether a write, or one that covers it, was lost with its region, and is in its log. */
  boolean isExported(Write write) {
    Header header = write.header;
    return header != null
        && exports.getOrDefault(write.key, Set.of()).stream()
            .anyMatch(each -> covers(write.key, each, header));
  }

  /**
   * Whether the disks that had the payload of a write, of which it is not known which, are gone; or
   * an evicted region that was the last to have it had replaced it, and has exported that instead.
   */
  boolean payloadMayBeLost(Key key, Dot dot) {
    return isReplacedByExport(key, dot)
        || writes.stream()
            .anyMatch(
                write ->
                    write.key.equals(key)
                        && write.payload != null
                        && (write.header == null
                            ? write.fate == Write.Fate.UNKNOWN
                            : write.payloadMayBeLost && write.header.version().dot().equals(dot)));
  }

  private boolean isReplacedByExport(Key key, Dot dot) {
    return exports.getOrDefault(key, Set.of()).stream()
        .map(Header::version)
        .anyMatch(each -> each.covers(dot) && !each.dot().equals(dot));
  }

  List<Write> writes() {
    return writes;
  }

  /** The write that made this value; null if none did. */
  @Nullable Write writeOf(MetadataRecord record) {
    Bytes payload = record.payload();
    if (payload == null) {
      return null;
    }
    String text = payload.toUtf8();
    int space = text.indexOf(' ');
    if (space < 1 || !text.chars().limit(space).allMatch(Character::isDigit)) {
      return null;
    }
    int number = Integer.parseInt(text.substring(0, space));
    if (number >= writes.size()) {
      return null;
    }
    Write write = writes.get(number);
    return write.key.equals(record.key()) && payload.equals(write.payload) ? write : null;
  }

  /** Whether both are known to be writes of hosts, and the one was begun after the other. */
  boolean wasWrittenAfter(Header one, Header other) {
    int first = numberOf(other);
    return first >= 0 && numberOf(one) > first;
  }

  int size() {
    return writes.size();
  }

  /** Whether it is known to be a write of a host, and is one of the first so many. */
  boolean isOneOfTheFirst(int count, Header header) {
    int number = numberOf(header);
    return number >= 0 && number < count;
  }

  private int numberOf(Header header) {
    Dot dot = header.version().dot();
    for (Write write : writes) {
      if (write.header != null && write.header.version().dot().equals(dot)) {
        return write.number;
      }
    }
    return -1;
  }

  /** Merges that were seen of a key, when it was looked at. */
  List<Header> merges(Key key) {
    return merges.getOrDefault(key, List.of());
  }

  /** What is wrong with a header that was seen; null if nothing is. */
  @Nullable String problemOf(Key key, Header header) {
    Header before = named.putIfAbsent(header.version().dot(), header);
    if (before == null && header.kind() == Header.Kind.MERGED) {
      merges.computeIfAbsent(key, each -> new ArrayList<>()).add(header);
    }
    if (before == null && isMortal(header)) {
      ends.computeIfAbsent(key, each -> new LinkedHashSet<>()).add(header);
    }
    boolean same =
        before == null
            || (before.kind() == header.kind()
                && before.payloadCrc32c() == header.payloadCrc32c()
                && before.expiresAtMs() == header.expiresAtMs()
                && before.writtenIn().equals(header.writtenIn())
                && before.version().stamp().equals(header.version().stamp()));
    return same ? null : "one dot names two writes of " + key + ": " + before + " and " + header;
  }
}
