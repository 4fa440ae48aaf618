package io.metafabric.simulation;

import io.metafabric.core.error.FabricException;
import io.metafabric.core.error.RegionUnreachableException;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import io.metafabric.merge.Counter;
import io.metafabric.merge.Max;
import io.metafabric.node.ReadOutcome;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * What the host of one region does with keys whose concurrent writes are kept, and what it may
 * expect: siblings, which it closes with what it has read of them, counters and maxima, which are
 * merged.
 */
final class Concurrent {
  /** So many of each region at most, and they never fall out. */
  private static final int MAX_OPEN = 3;

  private final Simulation run;
  private final Site site;

  // What its host has read last of each key, and what the region knew last.
  private final Map<Key, MetadataRecord> read = new HashMap<>();
  private final Map<Key, MetadataRecord> known = new HashMap<>();
  private final Map<Key, VersionVector> seen = new HashMap<>();
  private final Map<Key, Long> counted = new HashMap<>();
  private boolean adds;

  Concurrent(Simulation run, Site site) {
    this.run = run;
    this.site = site;
  }

  /** Another disk, which may know less. */
  void forget() {
    read.clear();
    known.clear();
    seen.clear();
    counted.clear();
  }

  void ended() {
    adds = false;
    counted.clear();
  }

  /** What this region knows: nothing is forgotten, and nothing that was replaced comes back. */
  @Nullable MetadataRecord observe(Key key) {
    if (!site.isUp()) {
      return null;
    }
    int life = site.machine().life();
    MetadataRecord now;
    try {
      now = site.node().store().read(key);
    } catch (StorageException e) {
      if (site.machine().life() == life && !site.mayFailToRead(e)) {
        run.violation(site + " cannot read " + key, e);
      }
      return null;
    }
    MetadataRecord before = known.get(key);
    if (before != null) {
      for (Sibling each : before.versions()) {
        if ((now == null || !covers(now, each.header()))
            && !mayBeForgotten(run, key, each.header())) {
          run.violation(site + " forgot " + each + " of " + key + ", and knows " + now, null);
        }
      }
    }
    if (now != null) {
      VersionVector all = seen.getOrDefault(key, VersionVector.EMPTY);
      for (Sibling each : now.versions()) {
        Version version = each.header().version();
        if (all.contains(version.dot()) && (before == null || !has(before, version))) {
          run.violation(each + " of " + key + " was replaced in " + site + ", and is back", null);
        }
        run.checkDot(key, each.header());
      }
      known.put(key, now.withoutPayload());
      VersionVector next = all;
      for (Sibling each : now.versions()) {
        next = next.merge(each.header().version().seen());
      }
      seen.put(key, next);
    }
    return now;
  }

  static boolean covers(MetadataRecord state, Header write) {
    return state.versions().stream()
        .anyMatch(each -> each.header().version().covers(write.version().dot()));
  }

  /** A deletion that had seen it, or is it, has come to all regions. */
  private static boolean mayBeForgotten(Simulation run, Key key, Header header) {
    return run.ledger().mayBeForgottenBeside(key, header, run::isEverywhere);
  }

  private static boolean has(MetadataRecord state, Version version) {
    return state.versions().stream()
        .anyMatch(each -> each.header().version().dot().equals(version.dot()));
  }

  void readSiblings(Key key) {
    observe(key);
    if (!site.isUp()) {
      return;
    }
    run.begins();
    int life = site.machine().life();
    try {
      site.node()
          .siblings(key)
          .whenComplete(
              (record, failure) -> {
                if (site.machine().life() != life) {
                  return;
                }
                if (record != null) {
                  read.put(key, record);
                  checkWritten(record);
                } else if (failure != null) {
                  mayFail("siblings of " + key, failure);
                }
                int versions = record == null ? 0 : record.versions().size();
                run.ended("siblings", site.region(), key.hashCode(), versions);
              });
    } catch (FabricException e) {
      if (site.machine().life() == life) {
        mayFail("siblings of " + key, e);
      }
    }
  }

  private void mayFail(String what, Throwable failure) {
    Throwable cause = Site.causeOf(failure);
    run.world().trace(what + " in " + site + ": " + cause);
    boolean unreachable = cause instanceof RegionUnreachableException;
    if (!unreachable && !site.mayFailToRead(cause)) {
      run.violation(what + " in " + site + " failed", cause);
    }
  }

  private void checkWritten(MetadataRecord record) {
    for (Sibling each : record.versions()) {
      var one = new MetadataRecord(record.key(), each.header(), each.payload());
      if (each.payload() != null && run.ledger().writeOf(one) == null) {
        run.violation(site + " shows of " + record.key() + " what nobody wrote: " + each, null);
      }
    }
  }

  /**
   * @param bytes 0 deletes
   * @param asRead replaces what was read last alone, else all that is known
   */
  void put(Key key, int bytes, boolean asRead) {
    MetadataRecord here = observe(key);
    if (!site.isUp()) {
      return;
    }
    boolean many = here != null && here.versions().size() >= MAX_OPEN;
    MetadataRecord last = read.get(key);
    Version context = !asRead || many ? null : last == null ? Version.NONE : last.seen();
    Write write = run.ledger().begin(key, bytes, Header.NEVER);
    write(write, Precondition.NONE, context, here, last);
  }

  private void write(
      Write write,
      Precondition condition,
      @Nullable Version context,
      @Nullable MetadataRecord here,
      @Nullable MetadataRecord last) {
    site.write(
        write,
        () -> site.node().write(write.key, write.payload, write.expiresAtMs, condition, context),
        header -> {
          checkCovers(write, header, context == null ? here : last);
          if (context != null && here != null) {
            checkLeaves(write, header, context, here);
          }
          MetadataRecord now = observe(write.key);
          if (now != null && !covers(now, header) && !mayBeForgotten(run, write.key, header)) {
            run.violation(write + " is not known where it was acknowledged: " + now, null);
          }
        });
  }

  private void checkCovers(Write write, Header header, @Nullable MetadataRecord shown) {
    if (shown != null) {
      for (Sibling each : shown.versions()) {
        if (!header.version().covers(each.header().version().dot())
            && !mayBeForgotten(run, write.key, each.header())) {
          run.violation(write + " does not replace what its writer had read: " + each, null);
        }
      }
    }
  }

  /** Nothing is replaced that its writer has not read. */
  private void checkLeaves(Write write, Header header, Version context, MetadataRecord here) {
    for (Sibling each : here.versions()) {
      Version version = each.header().version();
      boolean wasRead = !context.equals(Version.NONE) && context.covers(version.dot());
      if (!wasRead && header.version().covers(version.dot())) {
        run.violation(write + " replaces what its writer had not read: " + each, null);
      }
    }
  }

  /** Reads a counter and adds to it, one at a time. */
  void add(String client, Key key, int amount) {
    observe(key);
    if (adds || !site.isUp()) {
      return;
    }
    run.begins();
    adds = true;
    int life = site.machine().life();
    CompletableFuture<ReadOutcome> reading;
    try {
      reading = site.node().read(client, key);
    } catch (FabricException e) {
      reading = CompletableFuture.failedFuture(e);
    }
    reading.whenComplete(
        (outcome, failure) -> {
          if (site.machine().life() != life) {
            return;
          }
          boolean writes = false;
          if (outcome == null) {
            mayFail("a read of " + key, failure);
          } else if (!(outcome instanceof ReadOutcome.Unreachable)) {
            writes = site.isWritable();
          }
          if (writes) {
            MetadataRecord now = outcome instanceof ReadOutcome.Value value ? value.record() : null;
            addTo(key, now, amount, life);
          } else {
            adds = false;
          }
          run.ended("count", site.region(), key.hashCode(), writes ? 1 : 0);
        });
  }

  private void addTo(Key key, @Nullable MetadataRecord now, int amount, int life) {
    Counter before = now == null ? Counter.ZERO : counter(now);
    if (before.value() < counted.getOrDefault(key, 0L)) {
      run.violation(site + " shows " + before + " of " + key + ", and added more itself", null);
    }
    Counter next = before.plus(site + "-" + life, amount);
    Write write = run.ledger().add(key, Bytes.copyOf(next.toBytes()), amount);
    Version version = now == null ? Version.NONE : now.header().version();
    Precondition condition = now == null ? Precondition.ABSENT : Precondition.version(version);
    MetadataRecord here = observe(key);
    site.write(
        write,
        () -> site.node().write(key, write.payload, Header.NEVER, condition, version),
        header -> {
          if (here != null) {
            checkLeaves(write, header, version, here);
          }
          counted.put(key, next.value());
          observe(key);
        },
        failure -> adds = false);
  }

  /**
   * Reads a maximum, and replaces it by another, which may be lower.
   *
   * @param height 0 deletes
   * @param asRead replaces what was read alone, else all that is known
   */
  void measure(String client, Key key, int height, boolean asRead) {
    run.sites().forEach(each -> each.concurrent().observe(key));
    if (!site.isUp()) {
      return;
    }
    run.begins();
    int life = site.machine().life();
    CompletableFuture<ReadOutcome> reading;
    try {
      reading = site.node().read(client, key);
    } catch (FabricException e) {
      reading = CompletableFuture.failedFuture(e);
    }
    reading.whenComplete(
        (outcome, failure) -> {
          if (site.machine().life() != life) {
            return;
          }
          boolean writes = false;
          if (outcome == null) {
            mayFail("a read of " + key, failure);
          } else if (!(outcome instanceof ReadOutcome.Unreachable)) {
            writes = site.isWritable();
          }
          if (writes) {
            MetadataRecord now = outcome instanceof ReadOutcome.Value value ? value.record() : null;
            Version version = now == null ? Version.NONE : now.header().version();
            MetadataRecord here = observe(key);
            Write write = run.ledger().measure(key, height);
            write(write, Precondition.NONE, asRead ? version : null, here, now);
          }
          run.ended("measure", site.region(), key.hashCode(), writes ? 1 : 0);
        });
  }

  static Counter counter(MetadataRecord record) {
    return Counter.of(Objects.requireNonNull(record.payload()).toArray());
  }

  // ---- At the end.

  /**
   * What has not come true yet; null if nothing is missing.
   *
   * @param mayDiffer whether regions may differ as {@link #mayDiffer} says
   */
  static @Nullable String missingAtTheEnd(Simulation run, boolean mayDiffer) {
    for (Key key : run.setting().concurrentKeys()) {
      MetadataRecord agreed = run.members().get(0).node().store().read(key);
      for (Site site : run.members()) {
        MetadataRecord here = site.node().store().read(key);
        if (!lasting(run, here).equals(lasting(run, agreed))
            && !(mayDiffer && mayDiffer(run, key, site, run.members().get(0)))) {
          return key + " is " + here + " in " + site + ", but " + agreed;
        }
        if (here == null) {
          continue;
        }
        boolean isMerged = run.setting().isMerged(key);
        boolean holds = isMerged || site.node().homesOf(key).include(site.region());
        if (holds && here.shown().stream().anyMatch(each -> lacks(run, key, each))) {
          return site + " lacks a payload of " + here;
        }
        if (isMerged && here.shown().stream().filter(each -> each.payload() != null).count() > 1) {
          return key + " is not merged: " + here;
        }
      }
    }
    return null;
  }

  /**
   * Not yet held (docs/RULES.md): where a disk was lost, a region may have applied a sibling and
   * not have it any more, and then takes it for the past when others bring it.
   */
  private static boolean mayDiffer(Simulation run, Key key, Site one, Site other) {
    return run.hasLost()
        && !run.setting().isMerged(key)
        && isTakenForThePast(run, key, one, other)
        && isTakenForThePast(run, key, other, one);
  }

  /** Whether all that one region has more of a key was applied in the other. */
  private static boolean isTakenForThePast(Simulation run, Key key, Site one, Site other) {
    MetadataRecord there = other.node().store().read(key);
    return lasting(run, one.node().store().read(key)).stream()
        .map(each -> each.version().dot())
        .allMatch(
            dot -> (there != null && there.covers(dot)) || other.node().store().isApplied(dot));
  }

  private static boolean lacks(Simulation run, Key key, Sibling version) {
    return version.payload() == null
        && !version.header().isTombstone()
        && !isGone(run, key, version.header());
  }

  /**
   * Of what is merged every region that has the header has the payload, whatever disks are lost.
   */
  private static boolean isGone(Simulation run, Key key, Header header) {
    return !run.setting().isMerged(key) && mayBeGone(run, key, header);
  }

  private static boolean mayBeGone(Simulation run, Key key, Header header) {
    return isLost(run, key, header) || run.isPayloadWithEvicted(key, header);
  }

  /** Its payload went with the last disk that had it. */
  private static boolean isLost(Simulation run, Key key, Header header) {
    return run.ledger().payloadMayBeLost(key, header.version().dot())
        && run.sites().stream().noneMatch(site -> site.hasPayload(key, header));
  }

  /** What is dead is forgotten by one region after the other, once all have it. */
  private static List<Header> lasting(Simulation run, @Nullable MetadataRecord record) {
    return record == null
        ? List.of()
        : record.versions().stream()
            .map(Sibling::header)
            .filter(each -> !Ledger.isMortal(each) || !run.isEverywhere(each))
            .toList();
  }

  static void checkAtTheEnd(Simulation run) {
    for (Key key : run.setting().concurrentKeys()) {
      run.sites().forEach(site -> site.concurrent().observe(key));
      MetadataRecord agreed = run.site(0).node().store().read(key);
      List<Write> acknowledged =
          run.ledger().writes().stream()
              .filter(write -> write.key.equals(key) && write.fate == Write.Fate.ACKNOWLEDGED)
              .filter(write -> !run.ledger().isExported(write))
              .toList();
      for (Write write : acknowledged) {
        Header header = Objects.requireNonNull(write.header);
        if (agreed == null || !covers(agreed, header)) {
          if (!mayBeForgotten(run, key, header)) {
            run.violation(write + " is lost; its key is " + agreed, null);
          }
        } else {
          for (Sibling each : agreed.versions()) {
            Version version = each.header().version();
            boolean replaced =
                !version.dot().equals(header.version().dot())
                    && header.version().covers(version.dot());
            if (replaced) {
              run.violation(each + " of " + key + " had been replaced by " + write, null);
            }
          }
        }
      }
      if (run.setting().counters().contains(key)) {
        checkSum(run, key);
      }
      if (run.setting().maxima().contains(key)) {
        checkMaximum(run, key);
      }
    }
  }

  /** All that was acknowledged, and of what nobody knows some or none. */
  private static void checkSum(Simulation run, Key key) {
    long least = 0;
    long most = 0;
    for (Write write : run.ledger().writes()) {
      if (write.key.equals(key)) {
        boolean isSure = write.fate == Write.Fate.ACKNOWLEDGED && !run.ledger().isExported(write);
        least += isSure ? write.amount : 0;
        most += write.fate == Write.Fate.REFUSED ? 0 : write.amount;
      }
    }
    for (Site site : run.sites()) {
      MetadataRecord record = site.node().store().read(key);
      if (record != null) {
        long sum = counter(record).value();
        if (sum < least || sum > most) {
          run.violation(
              key + " is " + sum + " in " + site + ", not from " + least + " to " + most, null);
        }
      }
    }
  }

  /** Nothing that a host has replaced or deleted counts any more, and all else does. */
  private static void checkMaximum(Simulation run, Key key) {
    List<Write> all =
        run.ledger().writes().stream().filter(write -> write.key.equals(key)).toList();
    for (Site site : run.sites()) {
      MetadataRecord record = site.node().store().read(key);
      Sibling shown = record == null ? null : record.visibleAt(site.machine().clock().wallMs());
      long value =
          shown == null || shown.payload() == null ? 0 : Max.of(shown.payload().toArray()).value();
      if (value != 0) {
        Write by = run.ledger().writeOf(new Max(value));
        if (!by.key.equals(key) || by.amount != value || by.fate == Write.Fate.REFUSED) {
          run.violation(key + " is " + shown + " in " + site + ", which nobody wrote: " + by, null);
        }
        all.stream()
            .filter(each -> isSure(run, each) && hasReplaced(each, by))
            .filter(each -> all.stream().noneMatch(other -> mayHideIn(other, by, each)))
            .filter(each -> !isOfOneNotSeen(run, key, shown.header(), each))
            .forEach(each -> run.violation(by + " is shown in " + site + " after " + each, null));
      }
      for (Write write : all) {
        boolean counts =
            isSure(run, write) && all.stream().noneMatch(each -> mayHaveReplaced(each, write));
        if (counts && value < write.amount) {
          run.violation(write + " does not count in " + site + ", which has " + record, null);
        }
      }
    }
  }

  /**
   * Whether a write may have been merged with another that a later one replaced, and the later one
   * had not seen both: a merged value counts as a whole.
   */
  private static boolean mayHideIn(Write other, Write replaced, Write later) {
    return other != later
        && other != replaced
        && other.fate != Write.Fate.REFUSED
        && (other.header == null || !hasReplaced(later, other))
        && (other.header == null || !hasReplaced(other, replaced));
  }

  /**
   * Not yet held (docs/RULES.md): a merge of an earlier merge, or of a deletion that the home wrote
   * over others, is not taken to be said by who had seen what those were made of; unless what is
   * known to have been merged first had been said.
   */
  private static boolean isOfOneNotSeen(Simulation run, Key key, Header shown, Write later) {
    Version said = Objects.requireNonNull(later.header).version();
    Version version = shown.version();
    VersionVector byOthers = version.context().beyond(VersionVector.of(version.dot()));
    boolean wasSaid =
        run.ledger().merges(key).stream()
            .filter(each -> version.covers(each.version().dot()))
            .filter(each -> each.payloadCrc32c() == shown.payloadCrc32c())
            .anyMatch(each -> said.seen().covers(each.version().context()));
    return shown.kind() == Header.Kind.MERGED
        && !said.seen().covers(version.context())
        && said.seen().covers(byOthers)
        && !wasSaid;
  }

  private static boolean isSure(Simulation run, Write write) {
    return write.fate == Write.Fate.ACKNOWLEDGED && !run.ledger().isExported(write);
  }

  private static boolean hasReplaced(Write later, Write write) {
    return later != write
        && later.header != null
        && write.header != null
        && later.header.version().covers(write.header.version().dot());
  }

  private static boolean mayHaveReplaced(Write later, Write write) {
    boolean isUnknown = later.header == null && later.fate != Write.Fate.REFUSED;
    return hasReplaced(later, write) || (isUnknown && later.number > write.number);
  }
}
