package io.metafabric;

import io.metafabric.core.error.SessionTokenException;
import io.metafabric.core.record.Key;
import io.metafabric.core.session.Dependencies;
import io.metafabric.core.session.TokenFormat;
import io.metafabric.core.session.TokenSecret;
import io.metafabric.core.version.Version;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A session on an open fabric. */
final class OpenSession implements Session {
  private final Guaranteed guaranteed;
  private final Tokens tokens;

  // Written under the lock.
  private volatile Dependencies seen;

  /** Makes and reads the tokens of one cluster. */
  record Tokens(String cluster, @Nullable TokenSecret secret) {
    SessionToken of(Dependencies dependencies) {
      return SessionToken.of(TokenFormat.encode(cluster, dependencies, secret));
    }

    Dependencies read(SessionToken token) {
      TokenFormat.Content content = token.content();
      if (content.keyed() != (secret != null)) {
        throw new SessionTokenException(
            secret == null
                ? "the session token was made with a secret, and this fabric has none;"
                    + " set sessionSecret, the same in all regions"
                : "the session token was made without a secret, which this fabric requires;"
                    + " set sessionSecret, the same in all regions");
      }
      if (secret != null && !TokenFormat.verify(token.unsafeBytes(), secret)) {
        throw new SessionTokenException(
            "the session token was altered, or not made with the secret of this fabric");
      }
      if (!content.cluster().equals(cluster)) {
        throw new SessionTokenException(
            "the session token is of cluster \""
                + content.cluster()
                + "\", and this fabric of cluster \""
                + cluster
                + "\"");
      }
      return content.dependencies();
    }
  }

  OpenSession(Guaranteed guaranteed, Tokens tokens, Dependencies seen) {
    this.guaranteed = guaranteed;
    this.tokens = tokens;
    this.seen = seen;
  }

  @Override
  public Optional<Versioned> get(String key) {
    return guaranteed.getInSession(Key.of(key), this);
  }

  @Override
  public Version put(String key, byte[] value) {
    Objects.requireNonNull(value, "a value must not be null; use remove to delete");
    return guaranteed
        .writeInSession(Key.of(key), value, this)
        .orElseThrow(() -> new IllegalStateException("a put cannot be declined"));
  }

  @Override
  public boolean remove(String key) {
    return guaranteed.writeInSession(Key.of(key), null, this).isPresent();
  }

  @Override
  public void join(SessionToken other) {
    Dependencies theirs = tokens.read(other);
    synchronized (this) {
      seen = seen.join(theirs);
    }
  }

  @Override
  public SessionToken token() {
    return tokens.of(guaranteed.compacted(seen));
  }

  Dependencies seen() {
    return seen;
  }

  synchronized void saw(Key key, Version version) {
    seen = seen.saw(key, version);
  }

  /** What all regions have is forgotten, unless the session has gone on meanwhile. */
  synchronized void compacted(Dependencies before, Dependencies after) {
    if (seen.equals(before)) {
      seen = after;
    }
  }
}
