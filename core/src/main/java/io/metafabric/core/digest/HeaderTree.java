package io.metafabric.core.digest;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.version.Dot;
import java.util.concurrent.atomic.AtomicLongArray;
import org.jspecify.annotations.Nullable;

/**
 * A hash tree over all headers of a store, kept up to date with every publication: two stores have
 * the same digests where, and all but certainly only where, they have the same headers.
 *
 * <p>An element is the dot of a key's present state, or of one of its versions where concurrent
 * ones are kept. A dot is one write of one key, so the set of dots is the set of headers. Contexts
 * are left out: regions that have collected different amounts of the past differ in them for good
 * reasons, and would repair each other without an end. A dot's path is the bits of its hash from
 * the top, so the elements are spread evenly whoever wrote them; a node's digest is the exclusive
 * or of other hashes of the dots below it, so neither order nor history matter. The hashes are the
 * same in every region.
 *
 * <p>{@value #LEAVES} leaves of 8 bytes, whatever the number of keys; {@link LiveDots} knows what
 * is below them. Thread-safe; readers see single changes.
 */
public final class HeaderTree {
  /** Bits of a leaf's path. */
  public static final int DEPTH = 16;

  /** Bits by which one level of nodes is deeper than the one above. */
  public static final int STEP = 4;

  /** The deepest nodes that can be spoken of. */
  public static final int MAX_DEPTH = 28;

  private static final int LEAVES = 1 << DEPTH;

  /** Where comparisons begin: these are summed up, so that no leaves are read for them. */
  private static final int SUMS_DEPTH = 2 * STEP;

  private static final int SUMS = 1 << SUMS_DEPTH;

  /** Of heap, always. */
  public static final long BYTES = (long) (LEAVES + SUMS) * Long.BYTES;

  private final AtomicLongArray leaves = new AtomicLongArray(LEAVES);
  private final AtomicLongArray sums = new AtomicLongArray(SUMS);

  /** The element comes in, or goes if it was there. */
  public void toggle(long actor, long counter) {
    int leaf = (int) (path(actor, counter) >>> (Long.SIZE - DEPTH));
    long value = value(actor, counter);
    leaves.getAndAccumulate(leaf, value, (before, more) -> before ^ more);
    sums.getAndAccumulate(leaf >>> (DEPTH - SUMS_DEPTH), value, (before, more) -> before ^ more);
  }

  /** A key's state is another one, which may be the same write with a larger context. */
  public void replaced(Dot before, Dot after) {
    if (!before.equals(after)) {
      toggle(before.actor().id(), before.counter());
      toggle(after.actor().id(), after.counter());
    }
  }

  /** The versions beside a key's winner are others: pairs of an actor and a counter. */
  public void siblingsReplaced(long[] before, long[] after) {
    for (int i = 0; i < before.length; i += 2) {
      toggle(before[i], before[i + 1]);
    }
    for (int i = 0; i < after.length; i += 2) {
      toggle(after[i], after[i + 1]);
    }
  }

  public void added(Dot dot) {
    toggle(dot.actor().id(), dot.counter());
  }

  /** The key is known no more. */
  public void removed(Dot dot) {
    toggle(dot.actor().id(), dot.counter());
  }

  /**
   * Of all elements below a node.
   *
   * @param depth of the node, 0 to {@value #DEPTH}; 0 is the root
   * @param prefix the node's path, in the lowest {@code depth} bits
   */
  public long digest(int depth, int prefix) {
    return depth <= SUMS_DEPTH
        ? digest(sums, SUMS_DEPTH - depth, prefix)
        : digest(leaves, DEPTH - depth, prefix);
  }

  private static long digest(AtomicLongArray level, int width, int prefix) {
    int end = (prefix + 1) << width;
    long digest = 0;
    for (int i = prefix << width; i < end; i++) {
      digest ^= level.getOpaque(i);
    }
    return digest;
  }

  /**
   * Writes what {@link #restore} reads: the leaves, or none where there are so few elements that
   * they are put together again as fast.
   */
  public void describeTo(ByteWriter out, long elements) {
    if (elements < LEAVES) {
      out.u8(0);
      return;
    }
    out.u8(1);
    for (int leaf = 0; leaf < LEAVES; leaf++) {
      out.i64(leaves.getOpaque(leaf));
    }
  }

  /**
   * The tree that was described; null if it is to be put together.
   *
   * @throws WireFormatException if this is no description
   */
  public static @Nullable HeaderTree restore(ByteReader in) {
    int described = in.u8("header tree");
    if (described > 1) {
      throw new WireFormatException("not a header tree: " + described);
    }
    if (described == 0) {
      return null;
    }
    var tree = new HeaderTree();
    for (int leaf = 0; leaf < LEAVES; leaf++) {
      tree.leaves.setOpaque(leaf, in.i64("leaf"));
    }
    for (int sum = 0; sum < SUMS; sum++) {
      tree.sums.setOpaque(sum, digest(tree.leaves, DEPTH - SUMS_DEPTH, sum));
    }
    return tree;
  }

  /** The path of a dot's node at {@code depth}, 0 to {@value #MAX_DEPTH}. */
  public static int prefix(int depth, long actor, long counter) {
    return depth == 0 ? 0 : (int) (path(actor, counter) >>> (Long.SIZE - depth));
  }

  private static long path(long actor, long counter) {
    return mixed(mixed(actor) + counter);
  }

  /** What an element adds to the digests of its nodes. */
  static long value(long actor, long counter) {
    // Not the path itself: all elements of a leaf have its first bits in common.
    return mixed(path(actor, counter) + 0x9e3779b97f4a7c15L);
  }

  /** The finaliser of splitmix64 (Steele, Lea and Flood, 2014; constants by Stafford). */
  private static long mixed(long bits) {
    long hash = (bits ^ (bits >>> 30)) * 0xbf58476d1ce4e5b9L;
    hash = (hash ^ (hash >>> 27)) * 0x94d049bb133111ebL;
    return hash ^ (hash >>> 31);
  }

  /**
   * 32 bits of a digest for the wire. Two that differ look the same once in four thousand million
   * times, and not again under another salt.
   */
  public static int shortened(long digest, long salt) {
    return (int) (mixed(digest ^ salt) >>> 32);
  }
}
