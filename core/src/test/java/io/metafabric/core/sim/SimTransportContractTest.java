package io.metafabric.core.sim;

import io.metafabric.core.transport.PeerAddress;
import io.metafabric.core.transport.PeerTransport;
import io.metafabric.core.transport.PeerTransportContract;
import io.metafabric.core.transport.TransportLimits;
import io.metafabric.core.transport.TransportWorld;
import java.util.Random;
import java.util.concurrent.Executor;
import java.util.function.BooleanSupplier;

/** The virtual network without faults keeps the contract that real sockets keep. */
class SimTransportContractTest extends PeerTransportContract {
  @Override
  protected TransportWorld newWorld() {
    return new VirtualWorld();
  }

  private static final class VirtualWorld implements TransportWorld {
    private static final int MAX_IDLE_CHECKS = 1000;

    private final SimEventQueue events = new SimEventQueue();
    private final SimNetwork network = new SimNetwork(events, new Random(1));

    @Override
    public Executor newExecutor(String node) {
      return events.executor();
    }

    @Override
    public PeerTransport newTransport(String node, TransportLimits limits, Executor callbacks) {
      return network.transport(node, limits, callbacks);
    }

    @Override
    public PeerAddress anyAddress(String node) {
      return new PeerAddress(node, 0);
    }

    @Override
    public PeerAddress deadAddress() {
      return new PeerAddress("server", 1);
    }

    @Override
    public void runUntil(String what, BooleanSupplier condition) {
      int idle = 0;
      while (!condition.getAsBoolean()) {
        idle = events.step() ? 0 : idle + 1;
        if (idle == MAX_IDLE_CHECKS) {
          throw new AssertionError("nothing happens any more, and this never came: " + what);
        }
      }
    }

    @Override
    public void close() {
      while (events.step()) {}
    }
  }
}
