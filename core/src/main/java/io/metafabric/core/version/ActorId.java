package io.metafabric.core.version;

import java.util.HexFormat;

/**
 * Who issues versions: one opening of one directory. Random, 64 bits, never used again, so that no
 * lost, restored or cloned state can issue a version twice.
 */
public record ActorId(long id) implements Comparable<ActorId> {
  @Override
  public int compareTo(ActorId that) {
    return Long.compareUnsigned(id, that.id);
  }

  // As in Dot.
  @Override
  public boolean equals(Object that) {
    return that instanceof ActorId actor && id == actor.id;
  }

  @Override
  public int hashCode() {
    return Long.hashCode(id);
  }

  @Override
  public String toString() {
    return HexFormat.of().toHexDigits(id);
  }
}
