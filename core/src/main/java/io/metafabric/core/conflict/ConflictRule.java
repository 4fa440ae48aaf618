package io.metafabric.core.conflict;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of concurrent writes of one key: one rule per namespace, the same in all regions.
 * Immutable; two rules are equal if their names are.
 */
public final class ConflictRule {
  public static final int MAX_NAME_LENGTH = 64;

  private static final ConflictRule LAST_WRITER_WINS =
      new ConflictRule("last writer wins", false, null, false, true);
  private static final ConflictRule SIBLINGS =
      new ConflictRule("siblings", true, null, false, true);

  private final String name;
  private final boolean keepsSiblings;
  private final @Nullable Merge merge;
  private final boolean homeOnly;
  private final boolean removable;

  private ConflictRule(
      String name,
      boolean keepsSiblings,
      @Nullable Merge merge,
      boolean homeOnly,
      boolean removable) {
    this.name = name;
    this.keepsSiblings = keepsSiblings;
    this.merge = merge;
    this.homeOnly = homeOnly;
    this.removable = removable;
  }

  /** The later write wins everywhere; the other goes to the conflict log. The default. */
  public static ConflictRule lastWriterWins() {
    return LAST_WRITER_WINS;
  }

  /** All are kept beside each other until a write has seen them. A plain read shows one of them. */
  public static ConflictRule siblings() {
    return SIBLINGS;
  }

  /**
   * A read in any region shows all of them merged, and the home of the key writes that down. Until
   * it has, and wherever the merge fails, they are kept as siblings.
   *
   * <p>A merge that throws leaves the values it was given as siblings; one that does not return in
   * time, or is seen to break its laws, is not called again, and the namespace is one of siblings
   * on that node until it is opened anew. Both are counted with the reason.
   *
   * @param name 1 to {@value #MAX_NAME_LENGTH} characters of {@code a-z 0-9 . _ -}; regions that
   *     have other names for the same namespace refuse each other, so let it name the version too
   */
  public static ConflictRule merge(String name, Merge merge) {
    Objects.requireNonNull(merge, "merge");
    if (!name.matches("[a-z0-9._-]{1," + MAX_NAME_LENGTH + "}")) {
      throw new IllegalArgumentException(
          "the name of a merge must have 1 to "
              + MAX_NAME_LENGTH
              + " characters of a-z 0-9 . _ -: \""
              + name
              + "\"");
    }
    return new ConflictRule("merge " + name, true, merge, false, true);
  }

  /**
   * The same merge, called by the home of each key alone: for one that is not the same in all
   * regions, or depends on more than the values. Others show the provisional winner until the home
   * has written the merged value.
   *
   * @throws IllegalStateException if this is no merge
   */
  public ConflictRule homeOnly() {
    if (merge == null) {
      throw new IllegalStateException(name + " is not a merge: no region runs anything");
    }
    return homeOnly ? this : new ConflictRule(name + ", home only", true, merge, true, removable);
  }

  /**
   * The same merge of values that remember what each writer has done, by numbers that the writer
   * goes on from: removed, and begun anew, they would begin with numbers that others have seen
   * already, and what is new would be taken for what is old. So a removal, and a time to live, are
   * refused with {@link io.metafabric.core.error.RemovalRefusedException}.
   *
   * @throws IllegalStateException if this is no merge
   */
  public ConflictRule neverRemoved() {
    if (merge == null) {
      throw new IllegalStateException(name + " is not a merge: no value goes on from another");
    }
    return removable ? new ConflictRule(name, true, merge, homeOnly, false) : this;
  }

  /** What regions compare. */
  public String name() {
    return name;
  }

  /** Whether values may be removed, and expire. */
  public boolean isRemovable() {
    return removable;
  }

  /** Whether concurrent writes are kept beside each other. */
  public boolean keepsSiblings() {
    return keepsSiblings;
  }

  /** Null if there is none. */
  public @Nullable Merge merge() {
    return merge;
  }

  /** Whether every region's reads are merged. */
  public boolean mergesEverywhere() {
    return merge != null && !homeOnly;
  }

  @Override
  public boolean equals(Object that) {
    return that instanceof ConflictRule rule && name.equals(rule.name);
  }

  @Override
  public int hashCode() {
    return name.hashCode();
  }

  @Override
  public String toString() {
    return name;
  }
}
