package io.metafabric.core.store;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.journal.FrameLocation;
import io.metafabric.core.journal.Journal;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.port.Clock;
import io.metafabric.core.port.SerialExecutor;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Group commit: takes what has gathered while the last group was on its way to the disk, writes it
 * at once, and publishes it in journal order.
 *
 * <p>One thread at a time commits: the executor's, or that of a writer who would wait anyway and
 * finds nobody at it. A writer commits one group, its own, and leaves what came meanwhile to the
 * executor.
 */
final class Committer {
  /** Publishes or drops a group; called by the committing thread. */
  interface Sink {
    /** The group is in the journal; it becomes the state that readers see. */
    void publish(List<Staged> group, List<FrameLocation> locations);

    /** Tells the rest, and those who wait for it. */
    void announce(List<Staged> group);

    /** Nothing of these was, or will be, published. */
    void fail(List<Staged> group, StorageException cause);
  }

  private static final long MAX_GROUP_BYTES = 4 << 20;

  /** A planned sync that meets a commit waits so long for its end. */
  private static final Duration WHILE_COMMITTING = Duration.ofMillis(1);

  private final Journal journal;

  // A group goes into one segment: it is never more than twice as long, and one record.
  private final long maxGroupBytes;

  private final Durabilities durabilities;
  private final SerialExecutor executor;
  private final Sink sink;
  private final Clock clock;

  private final Object lock = new Object();
  private final ArrayDeque<Staged> queue = new ArrayDeque<>();
  // Written under the lock.
  private volatile long pendingBytes;
  private boolean running;
  private boolean writerCommits;
  private long syncDueNanos;
  private boolean syncPlanned;
  private final AtomicLong commits = new AtomicLong();

  // Whoever commits, and what he was given to do when the group is told.
  private volatile @Nullable Thread committing;
  private final List<Runnable> afterGroup = new ArrayList<>();

  Committer(
      Journal journal, Durabilities durabilities, SerialExecutor executor, Clock clock, Sink sink) {
    this.journal = journal;
    this.maxGroupBytes = Math.min(MAX_GROUP_BYTES, journal.segmentBytes());
    this.durabilities = durabilities;
    this.executor = executor;
    this.clock = clock;
    this.sink = sink;
  }

  /**
   * The caller serialises its calls: the order of calls is the order in the journal. Somebody must
   * call {@link #start} or {@link #commitHere} afterwards.
   */
  void add(Staged staged) {
    synchronized (lock) {
      queue.add(staged);
      pendingBytes += staged.bytes();
    }
  }

  /** Lets the executor commit what is queued. */
  void start() {
    synchronized (lock) {
      if (running || queue.isEmpty()) {
        return;
      }
      running = true;
    }
    executor.execute(this::commitAll);
  }

  /** Commits what is queued on the caller's thread, unless somebody commits already. */
  void commitHere() {
    List<Staged> group;
    synchronized (lock) {
      if (running || queue.isEmpty()) {
        return;
      }
      running = true;
      writerCommits = true;
      group = take();
    }
    try {
      commit(group);
    } finally {
      boolean more;
      synchronized (lock) {
        release(group);
        more = !queue.isEmpty();
        running = more;
        writerCommits = false;
      }
      if (more) {
        executor.execute(this::commitAll);
      }
    }
  }

  long pendingBytes() {
    return pendingBytes;
  }

  /** Waits until there is room for more, or {@code timeoutMs} are over. */
  boolean awaitRoom(long maxPendingBytes, long timeoutMs) throws InterruptedException {
    if (pendingBytes <= maxPendingBytes) {
      return true;
    }
    synchronized (lock) {
      long deadline = clock.nanoTime() + timeoutMs * 1_000_000;
      for (long leftMs = timeoutMs; pendingBytes > maxPendingBytes && leftMs > 0; ) {
        lock.wait(leftMs);
        leftMs = (deadline - clock.nanoTime()) / 1_000_000;
      }
      return pendingBytes <= maxPendingBytes;
    }
  }

  long commits() {
    return commits.get();
  }

  private void commitAll() {
    List<Staged> group = takeOrStop();
    try {
      while (!group.isEmpty()) {
        try {
          commit(group);
        } finally {
          release(group);
        }
        group = takeOrStop();
      }
    } finally {
      // Only a defect in a listener gets here with something left; it must not stop the commits.
      if (!group.isEmpty()) {
        executor.execute(this::commitAll);
      }
    }
  }

  private List<Staged> takeOrStop() {
    synchronized (lock) {
      List<Staged> group = take();
      running = !group.isEmpty();
      return group;
    }
  }

  /** Commits what is queued on the caller's thread; the executor has ended, nothing is added. */
  void finish() {
    boolean interrupted = false;
    synchronized (lock) {
      while (writerCommits) {
        try {
          lock.wait();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      // A writer that comes only now finds this at it.
      running = true;
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    commitAll();
  }

  private List<Staged> take() {
    synchronized (lock) {
      var group = new ArrayList<Staged>(queue.size());
      long bytes = 0;
      while (!queue.isEmpty() && bytes < maxGroupBytes) {
        Staged staged = queue.remove();
        bytes += staged.bytes();
        group.add(staged);
      }
      return group;
    }
  }

  private void commit(List<Staged> group) {
    committing = Thread.currentThread();
    try {
      if (write(group)) {
        sink.announce(group);
      }
    } finally {
      committing = null;
      // One that cannot run now, on a stack that is at its end, does so behind the next group.
      while (!afterGroup.isEmpty()) {
        afterGroup.get(0).run();
        afterGroup.remove(0);
      }
    }
  }

  /**
   * Runs {@code task} at once; where one who waits for a group is just being told of it, on the
   * thread that tells, after all others of the group have been told. It must not throw.
   */
  void afterGroup(Runnable task) {
    if (Thread.currentThread() == committing) {
      afterGroup.add(task);
    } else {
      task.run();
    }
  }

  /** Returns whether it is published; if not, those who wait have been told. */
  private boolean write(List<Staged> group) {
    boolean journaled = false;
    try {
      List<JournalEntry> entries = new ArrayList<>(group.size());
      for (Staged staged : group) {
        entries.add(staged.entry());
      }
      boolean waits = waitsForDisk(group) || takeOverdueSync();
      List<FrameLocation> locations = journal.append(entries, waits);
      if (waits) {
        journal.makeDurable();
      } else {
        planSync(group);
      }
      commits.incrementAndGet();
      journaled = true;
      sink.publish(group, locations);
      return true;
    } catch (StorageException e) {
      // Views that lack what the journal has must not be written on top of.
      sink.fail(group, journaled ? journal.refuseFromNowOn(e) : e);
      return false;
    } catch (RuntimeException | Error e) {
      // A host's thread may be deep in its stack, or out of memory: who waits must know of it.
      sink.fail(group, journal.refuseFromNowOn(new StorageException("writing failed: " + e, e)));
      throw e;
    }
  }

  private boolean waitsForDisk(List<Staged> group) {
    for (Staged staged : group) {
      if (staged.mustBeDurable() || durabilities.of(staged.key()).waitsForDisk()) {
        return true;
      }
    }
    return false;
  }

  /**
   * Whether a planned sync is due: the executor that would make it may be busy with groups for as
   * long as writers keep it so.
   */
  private boolean takeOverdueSync() {
    synchronized (lock) {
      if (!syncPlanned || clock.nanoTime() - syncDueNanos < 0) {
        return false;
      }
      syncPlanned = false;
      return true;
    }
  }

  private void planSync(List<Staged> group) {
    Duration within = null;
    for (Staged staged : group) {
      Durability durability = durabilities.of(staged.key());
      if (durability.hasInterval()
          && (within == null || durability.syncWithin().compareTo(within) < 0)) {
        within = durability.syncWithin();
      }
    }
    if (within != null) {
      syncWithin(within);
    }
  }

  /** Whatever has been written is durable by then, unless the disk refuses. */
  void syncWithin(Duration within) {
    long dueNanos = clock.nanoTime() + within.toNanos();
    synchronized (lock) {
      if (syncPlanned && syncDueNanos - dueNanos <= 0) {
        return;
      }
      syncPlanned = true;
      syncDueNanos = dueNanos;
    }
    executor.schedule(within, () -> syncPlanned(dueNanos));
  }

  private void syncPlanned(long dueNanos) {
    synchronized (lock) {
      if (!syncPlanned || syncDueNanos != dueNanos) {
        // An earlier one was planned since.
        return;
      }
      if (running) {
        executor.schedule(WHILE_COMMITTING, () -> syncPlanned(dueNanos));
        return;
      }
      running = true;
      syncPlanned = false;
    }
    try {
      journal.makeDurable();
    } catch (StorageException e) {
      // The journal takes nothing any more, and says why to whoever writes next.
    } finally {
      synchronized (lock) {
        running = false;
      }
      start();
    }
  }

  /** What is queued was decided on top of what failed, so it goes the same way. */
  List<Staged> takeQueued() {
    synchronized (lock) {
      var queued = new ArrayList<>(queue);
      queue.clear();
      long bytes = 0;
      for (Staged staged : queued) {
        bytes += staged.bytes();
      }
      pendingBytes -= bytes;
      lock.notifyAll();
      return queued;
    }
  }

  private void release(List<Staged> group) {
    synchronized (lock) {
      long bytes = 0;
      for (Staged staged : group) {
        bytes += staged.bytes();
      }
      pendingBytes -= bytes;
      lock.notifyAll();
    }
  }
}
