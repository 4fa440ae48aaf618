package io.metafabric;

import io.metafabric.core.error.SessionTokenException;
import io.metafabric.core.record.Key;
import io.metafabric.core.session.Dependencies;
import io.metafabric.core.session.TokenFormat;
import io.metafabric.core.session.TokenSecret;
import io.metafabric.core.version.Version;
import io.metafabric.node.SessionState;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A session on an open fabric. */
final class OpenSession implements Session {
  private final Guaranteed guaranteed;
  private final Tokens tokens;

  private final SessionState state;

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
    this.state = new SessionState(seen);
  }

  @Override
  public Optional<Versioned> get(String key) {
    return guaranteed.getInSession(Key.of(key), state);
  }

  @Override
  public Version put(String key, byte[] value) {
    Objects.requireNonNull(value, "a value must not be null; use remove to delete");
    return guaranteed
        .writeInSession(Key.of(key), value, state)
        .orElseThrow(() -> new IllegalStateException("a put cannot be declined"));
  }

  @Override
  public boolean remove(String key) {
    return guaranteed.writeInSession(Key.of(key), null, state).isPresent();
  }

  @Override
  public void join(SessionToken other) {
    state.join(tokens.read(other));
  }

  @Override
  public SessionToken token() {
    return tokens.of(guaranteed.compacted(state));
  }
}
