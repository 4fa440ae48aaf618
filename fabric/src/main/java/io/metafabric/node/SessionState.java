package io.metafabric.node;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.session.Dependencies;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.version.Version;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * What one session has seen, and what becomes of that with each of its reads and writes. They go on
 * at a node that is named each time: the session outlives it. Thread-safe.
 */
public final class SessionState {
  // Written under the lock.
  private volatile Dependencies seen;

  /**
   * @param seen of its token, or {@link Dependencies#NONE}
   */
  public SessionState(Dependencies seen) {
    this.seen = seen;
  }

  /** What it depends on. */
  public Dependencies seen() {
    return seen;
  }

  /** The same without what no member can lack any more: what its token says. */
  public Dependencies compacted(FabricNode<?> at) {
    return at.guarantees().sessions().compacted(seen);
  }

  /** From here on it depends on that, too. */
  public synchronized void join(Dependencies theirs) {
    seen = seen.join(theirs);
  }

  /**
   * Before a read; see {@link Sessions#readyToRead}.
   *
   * @param timeout for other regions
   */
  public CompletableFuture<Void> readyToRead(FabricNode<?> at, Key key, Duration timeout) {
    return at.guarantees().sessions().readyToRead(key, seen, timeout);
  }

  /**
   * After a read, before what it has shown is used.
   *
   * @param shown of the value; null if there was none: then it has seen the deletion, if that is
   *     what is known of the key
   */
  public void wasShown(FabricNode<?> at, Key key, @Nullable Version shown) {
    if (shown != null) {
      saw(key, shown);
      return;
    }
    Header known = at.store().header(key);
    if (known != null) {
      saw(key, known.version());
    }
  }

  /**
   * Before a write; see {@link Sessions#readyToWrite}.
   *
   * @param timeout for other regions
   * @return what the write comes after
   */
  public CompletableFuture<Dependencies> readyToWrite(FabricNode<?> at, Duration timeout) {
    Dependencies before = seen;
    Sessions sessions = at.guarantees().sessions();
    return sessions
        .readyToWrite(before, timeout)
        .thenApply(
            ready -> {
              Dependencies left = sessions.compacted(before);
              compacted(before, left);
              return left;
            });
  }

  /** What all regions have is forgotten, unless the session has gone on meanwhile. */
  synchronized void compacted(Dependencies before, Dependencies after) {
    if (seen.equals(before)) {
      seen = after;
    }
  }

  /**
   * The write, which may have to be tried again while there is no room; {@link #saw} is to be told
   * of what was stored.
   *
   * @param payload null deletes, if there is a value
   * @param after from {@link #readyToWrite}
   */
  public static CompletableFuture<@Nullable MetadataRecord> write(
      FabricNode<?> at, Key key, @Nullable Bytes payload, Dependencies after) {
    Precondition condition = payload == null ? Precondition.VISIBLE : Precondition.NONE;
    return at.writeAfter(key, payload, Header.NEVER, condition, after);
  }

  /** It has read or written this version of a key. */
  public synchronized void saw(Key key, Version version) {
    seen = seen.saw(key, version);
  }
}
