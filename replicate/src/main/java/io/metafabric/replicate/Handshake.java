package io.metafabric.replicate;

import io.metafabric.core.conflict.ConflictRule;
import io.metafabric.core.place.Configuration;
import io.metafabric.core.place.Homes;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.transport.PeerAddress;
import io.metafabric.core.transport.PeerIdentity;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.Refusal;
import java.util.SortedMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Who is talked to, and what others are told. Stateless. */
final class Handshake {
  private Handshake() {}

  /**
   * What is wrong whatever the regions' configurations are; null if nothing is.
   *
   * @param proven who the dialler has proved to be; null if nobody has to
   */
  static Frame.@Nullable Refuse refusal(
      Frame.Hello hello, @Nullable PeerIdentity proven, PeerSession.Host host) {
    ReplicationConfig config = host.config();
    if (!config.protocols().meets(hello.minProtocol(), hello.maxProtocol())) {
      return new Frame.Refuse(
          Refusal.PROTOCOL,
          "region "
              + hello.region()
              + " speaks protocol "
              + hello.minProtocol()
              + " to "
              + hello.maxProtocol()
              + ", region "
              + config.region()
              + " speaks "
              + config.protocols()
              + "; use versions of the library that have one in common");
    }
    if (!hello.cluster().equals(config.cluster())) {
      return new Frame.Refuse(
          Refusal.CLUSTER,
          "region "
              + hello.region()
              + " is of cluster \""
              + hello.cluster()
              + "\", region "
              + config.region()
              + " of cluster \""
              + config.cluster()
              + "\"; give both the same cluster name, or the peer another address");
    }
    String notProven =
        notProven(
            proven, config.cluster(), hello.region(), hello.nodeId(), "region " + hello.region());
    if (notProven != null) {
      return new Frame.Refuse(Refusal.CERTIFICATE, notProven);
    }
    if (hello.nodeId() == host.nodeId()) {
      return new Frame.Refuse(
          Refusal.IDENTITY,
          "region "
              + hello.region()
              + " runs on a copy of region "
              + config.region()
              + "'s directory, or dialled itself; give each region a directory of its own");
    }
    if (!config.peers().containsKey(hello.region())) {
      return new Frame.Refuse(
          Refusal.REGION,
          "region "
              + hello.region()
              + " is not a peer of region "
              + config.region()
              + ", which knows "
              + config.peers().keySet()
              + "; add peer(\""
              + hello.region()
              + "\", ...) there");
    }
    if (!hello.regions().equals(config.regions())) {
      return new Frame.Refuse(
          Refusal.REGIONS,
          "region "
              + hello.region()
              + " is configured with regions "
              + hello.regions()
              + ", region "
              + config.region()
              + " with "
              + config.regions()
              + "; homes follow from them, so configure the same everywhere");
    }
    if (hello.maxValueBytes() != config.maxValueBytes()) {
      return new Frame.Refuse(
          Refusal.VALUE_BYTES,
          "region "
              + hello.region()
              + " has maxValueBytes = "
              + hello.maxValueBytes()
              + ", region "
              + config.region()
              + " "
              + config.maxValueBytes()
              + "; set the same in all regions");
    }
    Frame.Refuse homesDiffer = fixedHomesDiffer(hello, host);
    return homesDiffer == null ? conflictRulesDiffer(hello, host) : homesDiffer;
  }

  /**
   * What is wrong with who has answered; null if nothing is.
   *
   * @param address where it was dialled
   * @param proven who it has proved to be; null if it does not have to
   */
  static Frame.@Nullable Refuse refusal(
      Frame.Welcome welcome,
      PeerAddress address,
      @Nullable PeerIdentity proven,
      ReplicationConfig config,
      RegionPair pair) {
    RegionName peer = pair.region();
    if (!welcome.cluster().equals(config.cluster())) {
      return new Frame.Refuse(
          Refusal.CLUSTER,
          "a node of cluster \""
              + welcome.cluster()
              + "\" answers at "
              + address
              + ", region "
              + config.region()
              + " is of cluster \""
              + config.cluster()
              + "\"; give both the same cluster name, or the peer another address");
    }
    if (!welcome.region().equals(peer)) {
      return new Frame.Refuse(
          Refusal.REGION,
          "region " + welcome.region() + " answers at " + address + ", not " + peer);
    }
    if (!config.protocols().contains(welcome.protocol())) {
      return new Frame.Refuse(
          Refusal.PROTOCOL,
          "region "
              + welcome.region()
              + " answers in protocol "
              + welcome.protocol()
              + ", region "
              + config.region()
              + " speaks "
              + config.protocols()
              + "; use versions of the library that have one in common");
    }
    String notProven =
        Handshake.notProven(
            proven, config.cluster(), peer, welcome.nodeId(), "what answers at " + address);
    if (notProven != null) {
      return new Frame.Refuse(Refusal.CERTIFICATE, notProven);
    }
    String contradiction = pair.contradiction(welcome.nodeId());
    return contradiction == null ? null : new Frame.Refuse(Refusal.REGION_TAKEN, contradiction);
  }

  /**
   * What the proof of who the other side is does not prove; null if it proves all that is said, or
   * none is asked for.
   *
   * @param nodeId null before it is known
   * @param who says so, for the message
   */
  static @Nullable String notProven(
      @Nullable PeerIdentity proven,
      String cluster,
      RegionName region,
      @Nullable Long nodeId,
      String who) {
    if (proven == null) {
      return null;
    }
    boolean isAnotherNode =
        proven.nodeId() != null && nodeId != null && !proven.nodeId().equals(nodeId);
    boolean isIt = proven.cluster().equals(cluster) && proven.region().equals(region);
    return isIt && !isAnotherNode
        ? null
        : who
            + " shows the certificate of "
            + proven
            + ", and not of "
            + new PeerIdentity(cluster, region, isAnotherNode ? nodeId : null)
            + "; give each node the certificate that names it";
  }

  private static Frame.@Nullable Refuse conflictRulesDiffer(
      Frame.Hello hello, PeerSession.Host host) {
    SortedMap<String, String> here = host.conflictRules().names();
    SortedMap<String, String> there = hello.conflictRules();
    var namespaces = new TreeSet<>(here.keySet());
    namespaces.addAll(there.keySet());
    String otherwise = ConflictRule.lastWriterWins().name();
    for (String namespace : namespaces) {
      String ours = here.getOrDefault(namespace, otherwise);
      String theirs = there.getOrDefault(namespace, otherwise);
      if (!ours.equals(theirs)) {
        return new Frame.Refuse(
            Refusal.CONFLICT_RULES,
            "concurrent writes of namespace \""
                + namespace
                + "\" follow the rule \""
                + theirs
                + "\" in region "
                + hello.region()
                + " and \""
                + ours
                + "\" in region "
                + host.config().region()
                + "; configure the same in all regions");
      }
    }
    return null;
  }

  private static Frame.@Nullable Refuse fixedHomesDiffer(Frame.Hello hello, PeerSession.Host host) {
    SortedMap<String, Homes> here = host.belonging().fixedHomes();
    SortedMap<String, Homes> there = hello.belonging().fixedHomes();
    var namespaces = new TreeSet<>(here.keySet());
    namespaces.addAll(there.keySet());
    for (String namespace : namespaces) {
      Homes ours = here.get(namespace);
      Homes theirs = there.get(namespace);
      if (ours == null || !ours.equals(theirs)) {
        return new Frame.Refuse(
            Refusal.REGIONS,
            "namespace \""
                + namespace
                + "\" has "
                + described(theirs)
                + " in region "
                + hello.region()
                + " and "
                + described(ours)
                + " in region "
                + host.config().region()
                + "; configure the same in all regions");
      }
    }
    return null;
  }

  private static String described(@Nullable Homes homes) {
    return homes == null
        ? "no fixed home"
        : "the home " + homes.home() + " with the backup " + homes.backup();
  }

  /** Whether a dialler's state is that of a region that was evicted after it had got it. */
  static boolean isEvicted(Frame.Hello hello, Configuration ours) {
    return !ours.isMember(hello.region())
        || hello.belonging().admitted() < ours.since(hello.region());
  }

  /**
   * What is wrong between a dialler and this node, which has gone over to the dialler's
   * configuration where that follows; null if nothing is.
   */
  static Frame.@Nullable Refuse notOfOneCluster(Frame.Hello hello, PeerSession.Host host) {
    Configuration ours = host.belonging().configuration();
    Configuration theirs = hello.belonging().configuration();
    String here = "region " + host.config().region();
    String there = "region " + hello.region();
    if (!ours.equals(theirs) && !ours.follows(theirs)) {
      return new Frame.Refuse(
          Refusal.CONFIGURATION,
          there
              + " holds "
              + theirs
              + ", "
              + here
              + " holds "
              + ours
              + ", and neither follows the other; in one of the two evict what the other has evicted"
              + ", or give one of them an empty directory");
    }
    if (isEvicted(hello, ours)) {
      return new Frame.Refuse(
          Refusal.EVICTED,
          ours.isMember(hello.region())
              ? there + " was readmitted, and has the state of before; it has to be filled anew"
              : there
                  + " was evicted ("
                  + ours
                  + "); call readmit(\""
                  + hello.region()
                  + "\") in a member to take it in again");
    }
    if (!host.isAdmitted()) {
      return new Frame.Refuse(
          Refusal.EVICTED, here + ", which was dialled, was evicted or has to be filled anew");
    }
    RegionName writer = host.provenance().regionOf(hello.actor());
    if (writer != null && !writer.equals(hello.region())) {
      return new Frame.Refuse(
          Refusal.IDENTITY,
          there
              + " says that it writes as "
              + hello.actor()
              + ", and to "
              + here
              + " that is region "
              + writer
              + "; each opening of a directory draws an actor of its own, so one of the two is not"
              + " to be trusted");
    }
    String contradiction = host.pair(hello.region()).contradiction(hello.nodeId(), hello.actor());
    return contradiction == null ? null : new Frame.Refuse(Refusal.REGION_TAKEN, contradiction);
  }
}
