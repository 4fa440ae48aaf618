package io.metafabric.core.sim;

import io.metafabric.core.transport.PeerAddress;
import io.metafabric.core.transport.PeerTransport;
import io.metafabric.core.transport.PeerTransportContract;
import io.metafabric.core.transport.TransportLimits;
import io.metafabric.core.transport.TransportWorld;
import java.util.HashMap;
import java.util.Map;
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

    private final SimWorld world = new SimWorld(1);
    private final SimNetwork network = new SimNetwork(world);
    private final Map<String, SimNode> nodes = new HashMap<>();

    private SimNode node(String name) {
      return nodes.computeIfAbsent(name, unknown -> new SimNode(world, name));
    }

    @Override
    public Executor newExecutor(String node) {
      return node(node).scheduler().serial("callbacks");
    }

    @Override
    public PeerTransport newTransport(String node, TransportLimits limits, Executor callbacks) {
      return network.transport(node(node), limits, callbacks);
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
        idle = world.step() ? 0 : idle + 1;
        if (idle == MAX_IDLE_CHECKS) {
          throw new AssertionError("nothing happens any more, and this never came: " + what);
        }
      }
    }

    @Override
    public void close() {
      while (world.step()) {}
    }
  }
}
