package io.metafabric.replicate;

import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.Frame;
import org.jspecify.annotations.Nullable;

/**
 * Whether a peer is sent changes in parts. So it is from where the journal has dropped entries
 * before the peer had them: what replaced a change that is left out may come later, or be another
 * region's, and the peer must not say that it has everything before it has that too. It has, once a
 * comparison has brought all that differed, and the stream what was written meanwhile; then it is
 * told so, and nothing more is sent until it has said the same. Belongs to the loop.
 */
final class SentParts {
  private boolean on;
  private boolean ending;
  private Frame.@Nullable Whole said;
  private long comparedUpTo;

  /** The peer is connected anew, and knows of no parts. */
  void reset() {
    on = false;
    ending = false;
    said = null;
    comparedUpTo = 0;
  }

  void begin() {
    on = true;
  }

  boolean isOn() {
    return on;
  }

  /** A comparison has brought all that differed; what was written meanwhile it may have missed. */
  void compared(long publishedPosition) {
    comparedUpTo = publishedPosition;
  }

  /** The peer must have been sent everything up to this position. */
  long comparedUpTo() {
    return comparedUpTo;
  }

  /** Nothing more is sent before the peer has said that what it has is whole. */
  void end() {
    ending = on;
  }

  boolean isEnding() {
    return ending;
  }

  /** What the peer is to be told, again and again until it says the same. */
  Frame.Whole whole(VersionVector acknowledged) {
    // Anew if it has acknowledged more since: what was under way was late, not lost.
    var whole = new Frame.Whole(acknowledged);
    said = whole;
    return whole;
  }

  /** The peer says that up to there it is whole; returns whether that was waited for. */
  boolean isWhole(Frame.Whole theirs, VersionVector acknowledged) {
    boolean isSame = theirs.equals(said) && theirs.upTo().equals(acknowledged);
    if (isSame) {
      reset();
    }
    return isSame;
  }
}
