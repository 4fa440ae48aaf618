package io.metafabric.core.conflict;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.version.Dot;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A write that had not been seen by what took its place. Immutable.
 *
 * @param lost the write that is not shown any more
 * @param winner the write that is shown instead; that of {@code Version.NONE} if there is none
 * @param payload null if it was not held here, was too large to be kept, or the write deleted
 * @param atMs when this node noticed it, epoch milliseconds
 */
public record Conflict(
    Key key, Header lost, Dot winner, @Nullable Bytes payload, long atMs, Reason reason) {
  /** Why a write is not shown any more. The codes are part of the format. */
  public enum Reason {
    /** The last writer wins, and it was not the last. */
    LAST_WRITER_WINS(1),
    /** It was the earliest of more siblings than are kept. */
    TOO_MANY_SIBLINGS(2),
    /** It was made in a region that was evicted, which had it alone; nothing is shown instead. */
    UNACKNOWLEDGED_AT_EVICTION(3),
    /**
     * It was stamped too far ahead of this node's clock and waited here, when its region, which had
     * been evicted, was taken in again. That one exports it too, unless it has lost it with its
     * disk.
     */
    HELD_AT_READMISSION(4);

    private final int code;

    Reason(int code) {
      this.code = code;
    }

    public int code() {
      return code;
    }
  }

  /** The value that was lost, if it was kept. */
  public Optional<byte[]> value() {
    return payload == null ? Optional.empty() : Optional.of(payload.toArray());
  }
}
