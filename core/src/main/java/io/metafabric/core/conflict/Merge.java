package io.metafabric.core.conflict;

import io.metafabric.core.record.Bytes;

/**
 * Makes one value of two that were written concurrently.
 *
 * <p>It must be commutative, associative and idempotent, and depend on nothing but its arguments:
 * every region calls it, in its own order, on whatever it knows, and all must arrive at the same
 * bytes. It must return soon. Called by one thread at a time.
 *
 * <p>What it throws, and whether it keeps its laws, is watched: see {@link ConflictRule#merge}.
 */
@FunctionalInterface
public interface Merge {
  Bytes merge(Bytes a, Bytes b);
}
