package io.metafabric.simulation;

import io.metafabric.core.conflict.Conflict;
import io.metafabric.core.error.ClockSkewException;
import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.error.EvictedException;
import io.metafabric.core.error.FabricException;
import io.metafabric.core.error.IndexFullException;
import io.metafabric.core.error.OverloadedException;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.error.StorageFullException;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.place.Configuration;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.sim.SimFault;
import io.metafabric.core.sim.SimNode;
import io.metafabric.core.store.LastWriterWins;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.Frame;
import io.metafabric.node.FabricNode;
import io.metafabric.node.ReadOutcome;
import io.metafabric.node.SimCluster;
import io.metafabric.replicate.PeerState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** One region of a run: its process, its host, and what that host has seen and may expect. */
final class Site {
  /** A peer that says nothing is suspected sooner. */
  private static final Duration UNNOTICED = Duration.ofSeconds(10);

  private static final Duration RETRY = Duration.ofSeconds(2);
  private static final Duration MAX_SKEW = Duration.ofHours(1);

  private final Simulation run;
  private final SimCluster cluster;
  private final RegionName region;

  // What this region has shown or acknowledged of each key: it must never know less again.
  private final Map<Key, Header> seen = new HashMap<>();
  private final List<Write> pending = new ArrayList<>();
  private long lostNanos;
  private long begunAnewNanos;
  private boolean hasLost;
  private int writesBeforeMount;
  private VersionVector applied = VersionVector.EMPTY;
  private long forgottenBefore;
  private final Map<Key, Long> homeEpochs = new HashMap<>();
  private Duration skew = Duration.ZERO;
  private long highestWallMs;
  private boolean damaged;
  private boolean keptFromWriting;
  private boolean readOnly;
  private final List<SimFault> faults = new ArrayList<>();
  private long fullUntilNanos = -1;
  private int starts;
  private long startedNanos;
  private @Nullable Runnable armedForOpening;
  private final Concurrent concurrent;
  private JournalEntry.Configured configured = JournalEntry.Configured.INITIAL;

  Site(Simulation run, SimCluster cluster, RegionName region) {
    this.run = run;
    this.cluster = cluster;
    this.region = region;
    this.concurrent = new Concurrent(run, this);
  }

  /** What its host does with keys whose concurrent writes are kept. */
  Concurrent concurrent() {
    return concurrent;
  }

  String name() {
    return region.name();
  }

  RegionName region() {
    return region;
  }

  SimNode machine() {
    return cluster.machine(region);
  }

  SimDisk disk() {
    return machine().disk();
  }

  FabricNode<MetadataRecord> node() {
    return cluster.node(region);
  }

  boolean isUp() {
    return cluster.isUp(region);
  }

  /** Up, and not paused. */
  boolean isRunning() {
    return isUp() && !machine().isPaused();
  }

  boolean isWritable() {
    return isRunning() && !keptFromWriting && !readOnly;
  }

  boolean isIdle() {
    return pending.isEmpty();
  }

  long startedNanos() {
    return startedNanos;
  }

  // ---- The process.

  void startIn(Duration time) {
    int expected = ++starts;
    run.world()
        .after(
            time,
            "start of " + region,
            () -> {
              if (starts == expected) {
                start();
              }
            });
  }

  void start() {
    if (isUp()) {
      return;
    }
    starts++;
    int life = machine().life();
    Runnable arm = armedForOpening;
    armedForOpening = null;
    if (arm != null) {
      arm.run();
    }
    try {
      cluster.start(region);
    } catch (RuntimeException e) {
      if (machine().life() != life) {
        return; // it crashed while it was opened, and whoever let it crash starts it again
      }
      run.world().trace(region + " does not open: " + e);
      cluster.crash(region, SimDisk.Loss.NONE);
      if (!mayFail(e)) {
        run.violation(region + " does not open", e);
      }
      startIn(RETRY);
      return;
    }
    if (machine().life() != life) {
      run.violation(region + " has opened after its end", null);
    }
    startedNanos = run.world().nanoTime();
    readOnly = false;
    long before = configured.admitted();
    configuration();
    if (configured.admitted() != before) {
      run.world().trace(region + " begins anew");
      begunAnewNanos = run.world().nanoTime();
      run.travellers().returned(region);
      seen.clear();
      concurrent.forget();
    }
    run.opened();
    run.keys().forEach(this::observe);
    run.setting().concurrentKeys().forEach(concurrent::observe);
  }

  /** It is to be filled anew: first it says what nobody else has. */
  void reopen() {
    run.world().trace(region + " is to be filled anew");
    int life = machine().life();
    noteExports();
    if (machine().life() != life) {
      return; // it crashed when its log was read, and whoever let it crash starts it again
    }
    stop();
    start();
  }

  void noteExports() {
    node().store().conflicts().stream()
        .filter(each -> each.reason() == Conflict.Reason.UNACKNOWLEDGED_AT_EVICTION)
        .forEach(each -> run.ledger().exported(each));
  }

  /** What its disk has, as far as could be seen. */
  Configuration configuration() {
    if (isUp()) {
      configured = node().store().configured();
    }
    return configured.configuration();
  }

  /** Whether it belongs to the newest configuration, with the state that it has. */
  boolean isAdmitted() {
    configuration();
    Configuration newest = run.operator().newest();
    return newest.isMember(region) && configured.admitted() >= newest.since(region);
  }

  /** Whether it was evicted, or is to be filled anew, by what is on its own disk. */
  boolean knowsThatItIsNot() {
    configuration();
    return !configured.admits(region);
  }

  /** Whether anything that it lacks may not be forgotten. */
  boolean isWaitedFor() {
    return isAdmitted() && configured.filled();
  }

  void stop() {
    run.begins();
    run.world().trace(region + " stops in order");
    int life = machine().life();
    isAboutToEnd();
    try {
      cluster.stop(region, SimDisk.Loss.SOME);
    } catch (RuntimeException e) {
      run.world().trace(region + " does not stop in order: " + e);
      losesWeakWrites();
      boolean crashedMeanwhile = machine().life() > life + 1;
      if (!crashedMeanwhile && !mayFail(e)) {
        run.violation(region + " does not stop in order", e);
      }
    }
    if (hasFailed()) {
      // A journal that takes nothing more, also one whose last sync failed, may lack its end.
      losesWeakWrites();
    }
    ended();
  }

  void crash(SimDisk.Loss loss) {
    if (loss != SimDisk.Loss.NONE) {
      losesWeakWrites();
    }
    isAboutToEnd();
    cluster.crash(region, loss);
    ended();
  }

  private void isAboutToEnd() {
    noteApplied();
    noteHomeEpochs();
    forgottenBefore = forgotten();
  }

  private void ended() {
    readOnly = false;
    faults.forEach(SimFault::end);
    faults.clear();
    for (Write write : pending) {
      write.isUnknown(machine().clock().wallMs());
      noteUnknown(write);
    }
    pending.clear();
    concurrent.ended();
  }

  /** In the middle of what it does; soon, if it does nothing. */
  void crashAfter(int operations, SimDisk.Loss loss, Duration down) {
    int life = machine().life();
    Runnable crash =
        () -> {
          if (machine().life() == life) {
            crash(loss);
            startIn(down);
          }
        };
    disk().beforeOperation(operations, crash);
    run.world().after(Duration.ofSeconds(1), "crash of " + region, crash);
  }

  void crashAtOpening(int operations, SimDisk.Loss loss, Duration down) {
    armedForOpening = () -> crashAfter(operations, loss, down);
  }

  /**
   * Whether another region may still go by what this one said before its disk lost something, or
   * before it was emptied: it has not been heard since.
   */
  boolean mayBeMisjudgedBy(Site judge) {
    boolean isHeard =
        judge.node().stats().replication().peers().stream()
            .filter(peer -> peer.region().equals(region))
            .anyMatch(
                peer -> peer.state() == PeerState.IN_SYNC || peer.state() == PeerState.CATCHING_UP);
    long goneNanos = Math.max(lostNanos, begunAnewNanos);
    return (hasLost || begunAnewNanos > 0)
        && (!isHeard || run.world().nanoTime() - goneNanos < UNNOTICED.toNanos());
  }

  void mount(SimDisk other) {
    losesState();
    writesBeforeMount = run.ledger().size();
    machine().mount(other);
    configured = JournalEntry.Configured.INITIAL;
    run.world().trace(region + " is given another disk");
  }

  private void losesWeakWrites() {
    if (run.setting().weak()) {
      losesState();
    }
  }

  /**
   * Its disk loses something: it may know less than it did, and what nobody else has may be gone.
   */
  private void losesState() {
    lostNanos = run.world().nanoTime();
    hasLost = true;
    seen.clear();
    concurrent.forget();
    run.travellers().beginAnew();
    run.lostWith(this);
  }

  /** Whether this region knows a write, or what has replaced it. */
  boolean knows(Write write, Header written) {
    MetadataRecord known = readable(write.key);
    return known != null && Concurrent.covers(known, written);
  }

  /** Whether it has the value of a write. */
  boolean hasPayload(Key key, Header written) {
    MetadataRecord known = readable(key);
    return known != null
        && known.versions().stream()
            .anyMatch(
                each ->
                    each.header().version().dot().equals(written.version().dot())
                        && each.payload() != null);
  }

  /** Whether it knows something that a write had been replaced by. */
  boolean hasReplaced(Key key, Header written) {
    MetadataRecord known = readable(key);
    return known != null
        && known.versions().stream()
            .map(each -> each.header().version())
            .anyMatch(
                each ->
                    each.covers(written.version().dot())
                        && !each.dot().equals(written.version().dot()));
  }

  private @Nullable MetadataRecord readable(Key key) {
    if (!isUp()) {
      return null;
    }
    try {
      return node().store().read(key);
    } catch (StorageException e) {
      return null;
    }
  }

  void refusesDiskOf(Site source) {
    crash(SimDisk.Loss.NONE);
    SimDisk own = disk();
    machine().mount(source.disk().copy(name(), run.world().fork("clone " + run.world().steps())));
    try {
      cluster.start(region);
      run.violation(region + " opens the directory of " + source.name(), null);
    } catch (ConfigurationException e) {
      run.world().trace(region + " refuses the disk of " + source.name());
    } catch (RuntimeException e) {
      if (!source.mayFail(e)) {
        run.violation(region + " fails on the directory of " + source.name(), e);
      }
    }
    cluster.crash(region, SimDisk.Loss.NONE);
    machine().mount(own);
    startIn(Duration.ZERO);
  }

  /** It is never further than an hour from where it should be. */
  void jumpClock(Duration by) {
    highestWallMs = highestWallMs();
    Duration next = skew.plus(by);
    skew = next.abs().compareTo(MAX_SKEW) > 0 ? by : next;
    machine().setSkew(skew);
  }

  private long highestWallMs() {
    return Math.max(highestWallMs, machine().clock().wallMs());
  }

  /** Whether its clock has shown a time at which this is not visible any more, right or wrong. */
  boolean hasReachedEndOf(Header header) {
    return header.expiresAtMs() == Header.NEVER || highestWallMs() >= header.expiresAtMs();
  }

  void damaged(boolean is) {
    damaged = is;
  }

  boolean mayKeepFromWriting() {
    return !keptFromWriting && !damaged;
  }

  void keepFromWriting(boolean keep) {
    keptFromWriting = keep;
  }

  /** The next operation of this kind fails. */
  SimFault breakDisk(SimDisk.Operation operation) {
    SimFault fault = disk().failNext(operation);
    faults.add(fault);
    return fault;
  }

  /** Something has gone wrong with the disk under this process, which may have noticed. */
  private boolean hasFailed() {
    return damaged || readOnly || faults.stream().anyMatch(fault -> fault.hits() > 0);
  }

  /** A full disk is no surprise for so long. */
  void mayBeFull(Duration time) {
    fullUntilNanos = Math.max(fullUntilNanos, run.world().nanoTime() + time.plus(RETRY).toNanos());
  }

  boolean mayFail() {
    return hasFailed() || run.world().nanoTime() <= fullUntilNanos;
  }

  /** A disk that takes nothing more can still be read. */
  boolean mayFailToRead(Throwable failure) {
    return failure instanceof StorageException
        && (damaged || faults.stream().anyMatch(fault -> fault.hits() > 0 && fault.isOfReads()));
  }

  boolean mayFail(Throwable failure) {
    return failure instanceof StorageException && mayFail();
  }

  /** Segments in front of the last, which is written to. */
  List<String> sealedFiles() {
    List<String> segments =
        disk().files().stream().filter(file -> file.matches("journal-.*[.]log")).toList();
    return segments.isEmpty() ? segments : segments.subList(0, segments.size() - 1);
  }

  /** All that goes wrong with the process and its disk is over. */
  void mend() {
    if (machine().isPaused()) {
      machine().resume();
    }
    machine().setSkew(Duration.ZERO);
    disk().setCapacityBytes(Long.MAX_VALUE);
    disk().beforeOperation(Long.MAX_VALUE / 2, () -> {});
    armedForOpening = null;
    if (isUp() && hasFailed()) {
      crash(SimDisk.Loss.NONE);
    }
    start();
  }

  // ---- Its host.

  @Nullable Header seen(Key key) {
    return seen.get(key);
  }

  /**
   * The header that this region knows, which must not be less than what it knew before. What cannot
   * be read is not known: null.
   */
  @Nullable Header observe(Key key) {
    return look(key).header();
  }

  /**
   * What a region knows of a key.
   *
   * @param isSeen false if it could not be read, or nobody was there to ask
   */
  record Look(boolean isSeen, @Nullable Header header) {
    static final Look UNSEEN = new Look(false, null);
  }

  /** The same, and whether it could be read. */
  Look look(Key key) {
    if (!isUp()) {
      return Look.UNSEEN;
    }
    int life = machine().life();
    Header now;
    try {
      now = node().store().header(key);
    } catch (StorageException e) {
      if (machine().life() == life && !mayFail(e)) {
        run.violation(region + " cannot read the header of " + key, e);
      }
      return Look.UNSEEN;
    }
    Header before = seen.get(key);
    if (before != null && !isHeldIn(key, now, before) && !wasForgotten(key, before, now)) {
      run.violation(
          region + " forgot " + key + ": it knew " + before + ", and knows " + now + " now", null);
    }
    if (now != null) {
      saw(key, now);
    }
    return new Look(true, now);
  }

  private boolean isHeldIn(Key key, @Nullable Header now, Header before) {
    return now != null && run.ledger().covers(key, now, before);
  }

  /**
   * What is dead may be forgotten once all have it; but nothing older may be known instead, unless
   * somebody brought that and it was deleted again.
   */
  private boolean wasForgotten(Key key, Header before, @Nullable Header now) {
    boolean isNewer =
        now == null
            || now.isTombstone()
            || LastWriterWins.join(before, now).version().dot().equals(now.version().dot())
            || isStampedTooEarly(before, now)
            || isBackWithItsDisk(before, now);
    return isNewer && run.mayBeForgotten(key, before);
  }

  /**
   * Whether what was written later has the earlier stamp: its region's clock went back, and the
   * disk that knew of later stamps is gone.
   */
  private boolean isStampedTooEarly(Header before, Header now) {
    return Losers.mayLoseDisks(run.setting())
        && run.setting().weather().containsKey(Fault.CLOCK_JUMP)
        && run.ledger().wasWrittenAfter(now, before);
  }

  /**
   * Whether a write that the deletion had not seen may have been on an older disk alone that its
   * region was given back, after the deletion was forgotten (RULES, "Not yet held").
   */
  private boolean isBackWithItsDisk(Header before, Header now) {
    return !before.version().covers(now.version().dot())
        && run.sites().stream()
            .anyMatch(
                site ->
                    site.region.equals(now.writtenIn())
                        && run.ledger().isOneOfTheFirst(site.writesBeforeMount, now));
  }

  /**
   * What it has said, at the most, that its disk has applied, even if it was given an older one.
   */
  boolean hasHad(VersionVector changes) {
    noteApplied();
    return applied.covers(changes);
  }

  private void noteApplied() {
    if (isUp()) {
      applied = applied.merge(node().store().durablyApplied());
    }
  }

  private void noteHomeEpochs() {
    if (isUp()) {
      run.allKeys().forEach(key -> homeEpochs.put(key, node().movedHome(key).epoch()));
    }
  }

  /** How often the home of a key was moved, as far as it knows, or did when it was up last. */
  long homeEpoch(Key key) {
    return isUp() ? node().movedHome(key).epoch() : homeEpochs.getOrDefault(key, 0L);
  }

  /** How many dead headers it has forgotten, in all its lives. */
  long forgotten() {
    return forgottenBefore + (isUp() ? node().store().stats().forgotten() : 0);
  }

  private void saw(Key key, Header header) {
    run.checkDot(key, header);
    Header before = seen.get(key);
    seen.put(
        key,
        before == null
                || isStampedTooEarly(before, header)
                || (isBackWithItsDisk(before, header) && run.mayBeForgotten(key, before))
            ? header
            : LastWriterWins.join(before, header));
  }

  void put(Key key, int bytes, Duration timeToLive, Precondition condition) {
    long expiresAtMs =
        timeToLive.isZero() ? Header.NEVER : machine().clock().wallMs() + timeToLive.toMillis();
    write(key, bytes, expiresAtMs, condition, observe(key), condition == Precondition.ABSENT);
  }

  void replace(Key key, int bytes, @Nullable Header expected) {
    Header current = observe(key);
    Version version = expected == null ? Version.NONE : expected.version();
    write(key, bytes, Header.NEVER, Precondition.version(version), current, false);
  }

  void remove(Key key) {
    write(key, 0, Header.NEVER, Precondition.VISIBLE, observe(key), false);
  }

  private void write(
      Key key,
      int bytes,
      long expiresAtMs,
      Precondition condition,
      @Nullable Header known,
      boolean onlyIfAbsent) {
    if (!isUp()) {
      return; // it crashed when it looked at the key
    }
    Write write = run.ledger().begin(key, bytes, expiresAtMs);
    write(
        write,
        () -> node().write(key, write.payload, expiresAtMs, condition),
        header -> {
          run.travellers().wrote(this, write);
          if (known != null
              && !run.ledger().covers(key, header, known)
              && !wasForgotten(key, known, header)) {
            run.violation(write + " does not cover what was known before: " + known, null);
          }
          saw(key, header);
          observe(key);
        },
        failure -> {
          if (failure == null && write.fate == Write.Fate.REFUSED) {
            declined(write, onlyIfAbsent);
          }
        });
  }

  /**
   * Of a traveller.
   *
   * @param acknowledged is told of what was written
   * @param ended whatever became of it, unless the process ended
   */
  void writeAs(
      Write write,
      Supplier<CompletableFuture<MetadataRecord>> call,
      Consumer<Header> acknowledged,
      Runnable ended) {
    write(
        write,
        call,
        header -> {
          saw(write.key, header);
          observe(write.key);
          acknowledged.accept(header);
        },
        failure -> ended.run());
  }

  void write(
      Write write,
      Supplier<CompletableFuture<MetadataRecord>> call,
      Consumer<Header> acknowledged) {
    write(write, call, acknowledged, failure -> {});
  }

  /**
   * @param acknowledged what is to be checked then
   * @param ended whatever became of it, unless the process ended
   */
  void write(
      Write write,
      Supplier<CompletableFuture<MetadataRecord>> call,
      Consumer<Header> acknowledged,
      Consumer<@Nullable Throwable> ended) {
    run.begins();
    int life = machine().life();
    pending.add(write);
    try {
      call.get()
          .whenComplete(
              (record, failure) -> {
                pending.remove(write);
                if (failure != null) {
                  failed(write, life, failure);
                } else if (machine().life() != life) {
                  write.isUnknown(machine().clock().wallMs());
                } else if (record == null) {
                  write.fate = Write.Fate.REFUSED;
                } else {
                  acknowledged(write, record);
                  acknowledged.accept(record.header());
                }
                if (machine().life() == life) {
                  ended.accept(failure);
                }
                noteUnknown(write);
                run.ended("write", region, write.number, write.fate.ordinal());
              });
    } catch (FabricException e) {
      pending.remove(write);
      failed(write, life, e);
      noteUnknown(write);
      if (machine().life() == life) {
        ended.accept(e);
      }
    }
  }

  private void noteUnknown(Write write) {
    if (write.fate == Write.Fate.UNKNOWN) {
      run.travellers().mayHaveWritten(write);
    }
  }

  private void acknowledged(Write write, MetadataRecord record) {
    Header header = record.header();
    write.fate = Write.Fate.ACKNOWLEDGED;
    write.header = header;
    if (header.expiresAtMs() != write.expiresAtMs
        || !Objects.equals(record.payload(), write.payload)) {
      run.violation(write + " was stored as another: " + record, null);
    }
  }

  private void declined(Write write, boolean onlyIfAbsent) {
    int life = machine().life();
    Header now = observe(write.key);
    Header before = seen.get(write.key);
    boolean wasThere = before != null && run.mayBeForgotten(write.key, before);
    if (onlyIfAbsent && now == null && !wasThere && machine().life() == life && !hasFailed()) {
      run.violation(write + " was declined, but there is nothing", null);
    }
  }

  private void failed(Write write, int life, Throwable failure) {
    Throwable cause = causeOf(failure);
    boolean refused =
        cause instanceof StorageFullException
            || cause instanceof OverloadedException
            || cause instanceof IndexFullException
            || cause instanceof EvictedException
            || isOfClocks(cause);
    boolean hasEnded = machine().life() != life;
    if (refused && !hasEnded) {
      write.fate = Write.Fate.REFUSED;
    } else {
      write.isUnknown(machine().clock().wallMs());
    }
    if (hasEnded) {
      return;
    }
    run.world().trace(write + ": " + cause);
    boolean isEvicted = cause instanceof EvictedException && run.setting().operators();
    if (!mayFail(cause) && !isOfClocks(cause) && !isEvicted) {
      run.violation(write + " failed", cause);
    } else if (!refused && !readOnly) {
      // It takes nothing any more until somebody restarts it.
      readOnly = true;
      run.world()
          .after(
              RETRY,
              "restart of " + region,
              () -> {
                if (machine().life() == life) {
                  crash(SimDisk.Loss.SOME);
                  startIn(Duration.ZERO);
                }
              });
    }
  }

  private boolean isOfClocks(Throwable failure) {
    return failure instanceof ClockSkewException
        && run.setting().weather().containsKey(Fault.CLOCK_JUMP);
  }

  static Throwable causeOf(Throwable failure) {
    return failure instanceof CompletionException && failure.getCause() != null
        ? failure.getCause()
        : failure;
  }

  /** It may come to nothing for many reasons, and says which. */
  void moveHome(Key key, RegionName to) {
    run.begins();
    node()
        .moveHome(key, to)
        .whenComplete(
            (result, failure) ->
                run.ended(
                    "move",
                    region,
                    key.hashCode(),
                    result == null ? -1 : result.outcome().ordinal()));
  }

  void makeShadows(Key key, int factor, Duration timeToLive) {
    noted("shadows", key, node().makeShadows(key, factor, timeToLive));
  }

  void dropShadows(Key key) {
    noted("no shadows", key, node().dropShadows(key));
  }

  private void noted(String what, Key key, CompletableFuture<List<Frame.ShadowAnswer>> doing) {
    run.begins();
    doing.whenComplete(
        (answers, failure) ->
            run.ended(
                what,
                region,
                key.hashCode(),
                failure == null ? answers.toString().hashCode() : -1));
  }

  /** Returns what ends it, unless a restart has. */
  Runnable pauseLink(RegionName to) {
    run.begins();
    int life = machine().life();
    node().replicator().pause(to);
    return () -> {
      if (isUp() && machine().life() == life) {
        node().replicator().resume(to);
      }
    };
  }

  /** It may come to nothing for many reasons. */
  void compare(RegionName with) {
    run.begins();
    node()
        .compare(with)
        .whenComplete(
            (compared, failure) ->
                run.ended("compare", region, with.name().hashCode(), failure == null ? 1 : 0));
  }

  void read(String client, Key key) {
    observe(key);
    if (!isUp()) {
      return;
    }
    run.begins();
    Header floor = seen.get(key);
    FabricNode<MetadataRecord> node = node();
    Optional<MetadataRecord> hit = node.hit(client, key.path());
    if (hit != null) {
      MetadataRecord shown = hit.orElseThrow();
      showed(key, shown, floor);
      run.ended("hit", region, key.hashCode(), shown.header().payloadCrc32c());
      return;
    }
    int life = machine().life();
    CompletableFuture<ReadOutcome> reading;
    try {
      reading = node.read(client, key);
    } catch (FabricException e) {
      reading = CompletableFuture.failedFuture(e);
    }
    reading.whenComplete(
        (outcome, failure) -> {
          if (machine().life() != life) {
            return;
          }
          if (outcome == null) {
            Throwable cause = causeOf(failure);
            run.world().trace("read of " + key + " in " + region + ": " + cause);
            if (!mayFailToRead(cause)) {
              run.violation("a read of " + key + " in " + region + " failed", cause);
            }
            return;
          }
          node.finished(client, key, outcome);
          long result = outcome.getClass().getSimpleName().hashCode();
          if (outcome instanceof ReadOutcome.Value value) {
            showed(key, value.record(), floor);
            result = value.record().header().payloadCrc32c();
          } else if (outcome instanceof ReadOutcome.Absent) {
            showedNothing(key, floor);
          }
          run.ended("read", region, key.hashCode(), result);
        });
  }

  private void showed(Key key, MetadataRecord record, @Nullable Header floor) {
    Header header = record.header();
    Write write = record.key().equals(key) ? run.ledger().writeOf(record) : null;
    if (write == null) {
      run.violation(region + " shows of " + key + " what nobody wrote: " + record, null);
      return;
    }
    if (write.fate == Write.Fate.REFUSED || write.expiresAtMs != header.expiresAtMs()) {
      run.violation(region + " shows " + record + " of " + write, null);
    }
    if (!header.isVisibleAt(machine().clock().wallMs())) {
      run.violation(region + " shows of " + key + " what has expired: " + record, null);
    }
    boolean isOlder =
        floor != null
            && !LastWriterWins.join(floor, header).version().dot().equals(header.version().dot());
    if (isOlder) {
      run.violation(region + " shows " + header + " of " + key + ", but had shown " + floor, null);
    }
    // What the disk had no room for is shown and not kept.
    run.checkDot(key, header);
    observe(key);
  }

  /**
   * Whoever saw a value that has expired nowhere finds something newer instead, or lies; unless the
   * disk had no room for what is newer.
   */
  private void showedNothing(Key key, @Nullable Header floor) {
    int life = machine().life();
    Header now = observe(key);
    boolean expected =
        floor == null
            || machine().life() != life
            || floor.isTombstone()
            || mayFail()
            || run.mayHaveExpired(floor)
            || (now == null && run.mayBeForgotten(key, floor))
            || (now != null && !now.version().dot().equals(floor.version().dot()));
    if (!expected) {
      run.violation(region + " shows nothing of " + key + ", but had shown " + floor, null);
    }
  }

  @Override
  public String toString() {
    return region.name();
  }
}
