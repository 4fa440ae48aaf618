package io.metafabric.replicate.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.error.ListenException;
import io.metafabric.core.transport.PeerAddress;
import io.metafabric.core.transport.PeerTransportContract;
import io.metafabric.core.transport.TransportWorld;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NettyPeerTransportTest extends PeerTransportContract {
  @Override
  protected TransportWorld newWorld() {
    return new SocketWorld();
  }

  @AfterAll
  static void noBufferLeaked() {
    RecordingLeakDetector.assertNoLeaks();
  }

  @ParameterizedTest
  @ValueSource(strings = {"0.0.0.0", "192.0.2.7", "::", "2001:db8::7"})
  void anAddressBeyondThisMachineIsRefused_andTheMessageSaysWhatIsMissing(String host) {
    var address = new PeerAddress(host, 7000);

    assertThatThrownBy(() -> server.listen(address, connection -> recorder()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(address.toString())
        .hasMessageContaining("mutual TLS");
    assertThatThrownBy(() -> NettyPeerTransport.requireServed(address, false))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(address.toString());
    var dialled = recorder();
    client.connect(address, dialled);
    await("the failure is told", dialled::isClosed);
    assertThat(dialled.closings().get(0)).contains(address.toString()).contains("mutual TLS");
  }

  @Test
  void aHostThatDoesNotExist_isAFailureLikeADeadAddress() {
    var nowhere = new PeerAddress("host name with spaces", 7000);
    NettyPeerTransport.requireServed(nowhere, false);
    var dialled = recorder();
    client.connect(nowhere, dialled);

    await("the failure is told", dialled::isClosed);
    assertThat(dialled.closings().get(0)).contains(nowhere.toString());
    assertThatThrownBy(() -> server.listen(nowhere, connection -> recorder()))
        .isInstanceOf(ListenException.class);
  }

  @Test
  void localhostIsAnAddressOfThisMachine() {
    var dialled = recorder();
    PeerAddress bound = server.listen(new PeerAddress("localhost", 0), connection -> recorder());
    client.connect(bound, dialled);

    await("it is open", dialled::isOpen);
    assertThat(dialled.connection().remote()).contains(String.valueOf(bound.port()));
  }
}
