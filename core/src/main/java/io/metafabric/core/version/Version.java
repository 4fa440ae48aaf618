package io.metafabric.core.version;

import io.metafabric.core.error.WireFormatException;

/**
 * One write of one key: the dot that names it, what its writer had seen of the key, and when.
 *
 * <p>Immutable. A version covers another if it is the same write or had seen it; two that do not
 * cover each other are concurrent, even when the same node issued both.
 *
 * @param dot the write itself
 * @param context what the writer had seen of this key
 * @param stamp orders concurrent versions, and nothing else
 * @see <a href="https://arxiv.org/abs/1011.5808">Preguica et al., Dotted Version Vectors, 2010</a>
 */
public record Version(Dot dot, VersionVector context, Stamp stamp) {
  /**
   * What a context has at most, actors and lone dots together: a key that thousands of openings
   * have written while some region was away. Who names more is not believed, so that a record fits
   * into a frame whatever others say that they have seen.
   */
  public static final int MAX_CONTEXT_ENTRIES = 1 << 13;

  private static final Dot NO_WRITE = new Dot(new ActorId(0), 1);

  /**
   * The version of what no write of the fabric made: a value that came from the system of record.
   * Nothing else has its dot (actor 0 is never issued); everything else covers it.
   */
  public static final Version NONE = new Version(NO_WRITE, VersionVector.EMPTY, new Stamp(0));

  public Version {
    if (context.contains(dot)) {
      throw new IllegalArgumentException("a write cannot have seen itself: " + dot + " " + context);
    }
  }

  /**
   * How this write relates to {@code that} one: {@code AFTER} means its writer had seen that.
   *
   * @throws WireFormatException if each claims to have seen the other, which no correct node issues
   */
  public Causality relationTo(Version that) {
    if (dot.equals(that.dot)) {
      return Causality.SAME;
    }
    boolean sawThat = covers(that.dot);
    boolean seenByThat = that.covers(dot);
    if (sawThat && seenByThat) {
      throw new WireFormatException("two writes claim to have seen each other: " + this + that);
    }
    if (sawThat) {
      return Causality.AFTER;
    }
    return seenByThat ? Causality.BEFORE : Causality.CONCURRENT;
  }

  /** Whether whoever knows this version needs nothing of {@code that} any more. */
  public boolean covers(Dot that) {
    return dot.equals(that) || context.contains(that) || that.equals(NO_WRITE);
  }

  /**
   * What a writer has seen who has read this version and all that its actor wrote before: the
   * context of the next write where one version of a key wins.
   */
  public VersionVector asContext() {
    return context.with(dot);
  }

  /** What a writer has seen who has read this version, and nothing else. */
  public VersionVector seen() {
    return context.withLone(dot);
  }

  /**
   * Which of two concurrent versions comes first where one must: the later stamp, then the higher
   * actor. Whoever had seen the other has the later stamp.
   */
  public boolean isLaterThan(Version that) {
    int byStamp = stamp.compareTo(that.stamp);
    if (byStamp != 0) {
      return byStamp > 0;
    }
    int byActor = dot.actor().compareTo(that.dot.actor());
    return byActor != 0 ? byActor > 0 : dot.counter() > that.dot.counter();
  }

  public Version withContext(VersionVector next) {
    return next.equals(context) ? this : new Version(dot, next, stamp);
  }

  @Override
  public String toString() {
    return dot + "@" + stamp + " after " + context;
  }
}
