package io.metafabric.node;

import io.metafabric.core.port.Clock;
import io.metafabric.core.port.Disk;
import io.metafabric.core.port.Scheduler;
import io.metafabric.core.transport.PeerTransport;
import io.metafabric.core.wire.DeltaCoding;
import java.util.concurrent.Executor;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * All through which a node reaches the world.
 *
 * @param random draws identities; must not be predictable in production
 * @param transport makes one whose callbacks run on the executor given
 * @param foreign runs the host's code
 * @param deltas makes what tells payloads by earlier ones; null where nothing can
 */
public record NodePorts(
    Clock clock,
    Scheduler scheduler,
    RandomGenerator random,
    Disk disk,
    Function<Executor, PeerTransport> transport,
    ForeignCode foreign,
    Supplier<@Nullable DeltaCoding> deltas) {
  /** For a host whose code is known. */
  public NodePorts(
      Clock clock,
      Scheduler scheduler,
      RandomGenerator random,
      Disk disk,
      Function<Executor, PeerTransport> transport,
      Supplier<@Nullable DeltaCoding> deltas) {
    this(clock, scheduler, random, disk, transport, ForeignCode.inline(), deltas);
  }
}
