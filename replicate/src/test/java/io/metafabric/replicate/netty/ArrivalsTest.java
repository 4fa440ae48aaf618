package io.metafabric.replicate.netty;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import org.junit.jupiter.api.Test;

/** Which connections that come in are taken, and which go for them. */
class ArrivalsTest {
  private static final long SECOND = 1_000_000_000L;

  private static boolean come(Arrivals<String> arrivals, String who, String from, long nowNanos) {
    if (!arrivals.mayCome(from, nowNanos)) {
      return false;
    }
    String displaced = arrivals.displaced();
    if (displaced != null) {
      arrivals.ended(displaced);
    }
    arrivals.add(who, from);
    return true;
  }

  @Test
  void theOldestOfTheAddressWithMost_goesFirst() {
    var arrivals = new Arrivals<String>(10, 4, 1000);
    come(arrivals, "peer", "there", 0);
    come(arrivals, "bad 1", "here", 0);
    come(arrivals, "bad 2", "here", 0);
    come(arrivals, "bad 3", "here", 0);
    assertThat(arrivals.displaced()).isEqualTo("bad 1");
    for (int i = 4; i < 100; i++) {
      come(arrivals, "bad " + i, "here", 0);
    }
    assertThat(arrivals.displaced()).as("not the peer").isEqualTo("bad 97");
    assertThat(arrivals.strangers()).isEqualTo(4);
    arrivals.identified("peer");
    assertThat(arrivals.displaced()).as("there is room again").isNull();
  }

  @Test
  void whoIsKnown_isNeverDisplaced_andStrangersAreWhereAllPlacesAreTaken() {
    var arrivals = new Arrivals<String>(3, 3, 1000);
    for (String who : new String[] {"a", "b", "c"}) {
      come(arrivals, who, "here", 0);
    }
    arrivals.identified("a");
    arrivals.identified("b");
    assertThat(arrivals.displaced()).isEqualTo("c");
    arrivals.identified("c");
    assertThat(come(arrivals, "d", "here", 0)).as("full of peers").isFalse();
    arrivals.ended("b");
    assertThat(come(arrivals, "d", "here", 0)).isTrue();
  }

  @Test
  void oneAddress_hasItsRate_andAnotherItsOwn() {
    var arrivals = new Arrivals<String>(1000, 1000, 2);
    for (int i = 0; i < 8; i++) {
      assertThat(come(arrivals, "a" + i, "here", 0)).isTrue();
    }
    assertThat(come(arrivals, "too often", "here", 0)).isFalse();
    assertThat(come(arrivals, "another", "there", 0)).isTrue();
    assertThat(come(arrivals, "later", "here", SECOND)).isTrue();
    assertThat(come(arrivals, "still", "here", SECOND)).isTrue();
    assertThat(come(arrivals, "too often again", "here", SECOND)).isFalse();
  }

  @Test
  void manyAddresses_areNotAllRemembered() {
    var arrivals = new Arrivals<Integer>(10, 10, 1);
    for (int i = 0; i < 100_000; i++) {
      assertThat(arrivals.mayCome(i, 0)).isTrue();
    }
  }

  @Test
  void theAddressesOfOneIpv6Network_areOne() throws UnknownHostException {
    assertThat(origin("2001:db8::1")).isEqualTo(origin("2001:db8::ffff:2"));
    assertThat(origin("2001:db8::1")).isNotEqualTo(origin("2001:db8:0:1::1"));
    assertThat(origin("192.0.2.1")).isNotEqualTo(origin("192.0.2.2"));
  }

  private static Object origin(String address) throws UnknownHostException {
    return Arrivals.originOf(new InetSocketAddress(InetAddress.getByName(address), 7));
  }
}
