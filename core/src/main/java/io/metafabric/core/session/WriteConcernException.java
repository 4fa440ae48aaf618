package io.metafabric.core.session;

import io.metafabric.core.error.FabricException;
import io.metafabric.core.version.Version;
import java.util.List;

/**
 * A write is durable here, and not known in time to be so wherever its writer wanted it to be. It
 * stands, and goes on to all regions like any other. Remedy: wait longer with {@code
 * awaitReplicated}, or go on; writing again makes another write.
 */
public final class WriteConcernException extends FabricException {
  private static final long serialVersionUID = 1L;

  private final transient Version version;
  private final String[] durableIn;
  private final String[] missingIn;

  public WriteConcernException(
      String message, Version version, List<String> durableIn, List<String> missingIn) {
    super(message);
    this.version = version;
    this.durableIn = durableIn.toArray(String[]::new);
    this.missingIn = missingIn.toArray(String[]::new);
  }

  /** Of the write, which stands; null in an exception that was serialised. */
  public Version version() {
    return version;
  }

  /** The regions that are known to have it durably, this one first. */
  public List<String> durableIn() {
    return List.of(durableIn);
  }

  /** The regions that were waited for, and are not known to have it; they may. */
  public List<String> missingIn() {
    return List.of(missingIn);
  }
}
