package io.metafabric.core.sim;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Iterator;
import java.util.random.RandomGenerator;

/** A file apart from its name: what readers see, what is durable, and the changes in between. */
final class SimInode {
  /** Smaller than a real one, like the files of simulated stores. */
  private static final int PAGE_BYTES = 512;

  private enum State {
    /** A sync would make it durable. */
    WRITTEN,
    SYNCED,
    /** A sync failed over it: readers see it, but no later sync brings it to the disk. */
    ABANDONED
  }

  private static final class Change {
    private final int offset;
    private final byte[] bytes;
    private final int newSize;
    private final boolean isRot;
    private State state = State.WRITTEN;

    private Change(int offset, byte[] bytes, int newSize, boolean isRot) {
      this.offset = offset;
      this.bytes = bytes;
      this.newSize = newSize;
      this.isRot = isRot;
    }

    static Change write(int offset, byte[] bytes) {
      return new Change(offset, bytes, -1, false);
    }

    static Change truncation(int newSize) {
      return new Change(0, new byte[0], newSize, false);
    }

    static Change rot(int offset, byte[] one) {
      return new Change(offset, one, -1, true);
    }

    void applyTo(SimImage image) {
      if (isRot) {
        image.rot(offset, bytes);
      } else if (newSize >= 0) {
        image.resize(newSize);
      } else {
        image.write(offset, bytes, bytes.length);
      }
    }

    /** Whole, not at all, its beginning, that with zeros for the rest, or any of its pages. */
    void applySomeTo(SimImage image, RandomGenerator random) {
      int fate = random.nextInt(newSize >= 0 ? 2 : 5);
      if (fate == 0) {
        applyTo(image);
      } else if (fate == 4) {
        applyPagesTo(image, random);
      } else if (fate > 1) {
        int kept = random.nextInt(bytes.length + 1);
        image.write(offset, bytes, kept);
        if (fate == 3) {
          image.resize(Math.max(image.size(), offset + bytes.length));
        }
      }
    }

    /** A system writes pages back in an order of its own. */
    private void applyPagesTo(SimImage image, RandomGenerator random) {
      for (int from = 0; from < bytes.length; ) {
        int to = Math.min(bytes.length, from + PAGE_BYTES - (offset + from) % PAGE_BYTES);
        if (random.nextBoolean()) {
          image.write(offset + from, Arrays.copyOfRange(bytes, from, to), to - from);
        }
        from = to;
      }
    }
  }

  private SimImage seen = new SimImage();
  private SimImage durable = new SimImage();

  // In the order of writing. What is synced stays behind an abandoned change, to be applied after
  // it.
  private final ArrayDeque<Change> changes = new ArrayDeque<>();

  int size() {
    return seen.size();
  }

  int read(long offset, ByteBuffer target) {
    return seen.read(offset, target);
  }

  void write(int offset, byte[] bytes) {
    make(Change.write(offset, bytes));
  }

  void truncate(int newSize) {
    make(Change.truncation(newSize));
  }

  private void make(Change change) {
    change.applyTo(seen);
    changes.add(change);
  }

  /** Flips every bit of a byte, durably. */
  void rot(int offset) {
    if (offset < 0 || offset >= size()) {
      throw new IllegalArgumentException("there is no byte " + offset + " of " + size());
    }
    makeDurable(Change.rot(offset, new byte[] {seen.flipped(offset)}));
  }

  /** Flips it back, durably, unless something was written there since, or it was cut off. */
  void mend(int offset) {
    if (seen.isRotten(offset)) {
      makeDurable(Change.write(offset, new byte[] {seen.flipped(offset)}));
    }
  }

  /** What is not durable of before stays so. */
  private void makeDurable(Change change) {
    make(change);
    change.state = State.SYNCED;
    foldSynced();
  }

  void sync() {
    for (Change change : changes) {
      if (change.state == State.WRITTEN) {
        change.state = State.SYNCED;
      }
    }
    foldSynced();
  }

  private void foldSynced() {
    while (!changes.isEmpty() && changes.element().state == State.SYNCED) {
      changes.remove().applyTo(durable);
    }
  }

  void failSync() {
    for (Change change : changes) {
      if (change.state == State.WRITTEN) {
        change.state = State.ABANDONED;
      }
    }
  }

  void crash(SimDisk.Loss loss, RandomGenerator random) {
    for (Iterator<Change> each = changes.iterator(); each.hasNext(); each.remove()) {
      Change change = each.next();
      if (change.state == State.SYNCED || loss == SimDisk.Loss.NONE) {
        change.applyTo(durable);
      } else if (loss == SimDisk.Loss.SOME) {
        change.applySomeTo(durable, random);
      }
    }
    seen = durable.copy();
  }

  /** The same content, as if all of it had been synced. */
  SimInode copy() {
    var copy = new SimInode();
    copy.seen = seen.copy();
    copy.durable = seen.copy();
    return copy;
  }
}
