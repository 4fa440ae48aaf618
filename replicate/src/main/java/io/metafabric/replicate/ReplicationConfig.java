package io.metafabric.replicate;

import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.transport.PeerAddress;
import io.metafabric.core.wire.FrameCodec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * @param listen where peers reach this region; null if none can
 * @param peers every other region and where it listens
 * @param heartbeatEvery how often each side says that it lives
 * @param suspectPhi a peer whose silence is this improbable is suspected: -log10 of how probable
 * @param grantedPause a connection is closed once a silence is as improbable even if the peer had
 *     paused for this long; a peer that was not connected for longer is offline
 * @param attemptTimeout how long one region may take to answer a fetch
 * @param batchBytes about how much one frame of changes holds
 * @param windowBytes how much may be under way to a peer without its acknowledgement, and how much
 *     each peer is granted here
 * @param holderBytes how much memory may take which regions hold copies; forgetting one costs a
 *     later fetch
 * @param maxValueBytes larger payloads are neither sent nor accepted; the same in all regions
 * @param compareEvery how long after one comparison of all headers with a peer the next begins
 * @param repairBytesPerSecond how much the comparisons that this node begins may send and receive
 * @param protocols which versions of the protocol this node speaks
 * @param deltas when payloads are sent as deltas
 * @param routing whom reads ask
 */
public record ReplicationConfig(
    String cluster,
    RegionName region,
    @Nullable PeerAddress listen,
    Map<RegionName, PeerAddress> peers,
    Duration heartbeatEvery,
    double suspectPhi,
    Duration grantedPause,
    Duration handshakeTimeout,
    Duration attemptTimeout,
    Backoff backoff,
    int batchBytes,
    int windowBytes,
    long holderBytes,
    int maxValueBytes,
    Duration compareEvery,
    long repairBytesPerSecond,
    ProtocolRange protocols,
    DeltaConfig deltas,
    RoutingConfig routing) {
  public static final long DEFAULT_REPAIR_BYTES_PER_SECOND = 8L << 20;

  public ReplicationConfig {
    if (compareEvery.compareTo(Duration.ofSeconds(1)) < 0 || repairBytesPerSecond < 1) {
      throw new ConfigurationException(
          "comparisons need at least 1 s from one to the next and 1 byte a second, not "
              + compareEvery
              + " and "
              + repairBytesPerSecond);
    }
    if (batchBytes > (long) maxValueBytes + RecordCodec.MAX_BYTES_BESIDE_PAYLOAD) {
      throw new ConfigurationException(
          "batchBytes, "
              + batchBytes
              + ", must fit into a frame: at most maxValueBytes + "
              + RecordCodec.MAX_BYTES_BESIDE_PAYLOAD);
    }
    peers = new TreeMap<>(peers);
    if (peers.containsKey(region)) {
      throw new ConfigurationException(
          "region " + region + " is this one; a peer must be another region");
    }
    if (peers.size() >= FrameCodec.MAX_REGIONS) {
      throw new ConfigurationException(
          "a cluster has at most "
              + FrameCodec.MAX_REGIONS
              + " regions, but with this one there are "
              + (peers.size() + 1));
    }
    for (RegionName placed : routing.places().keySet()) {
      if (!placed.equals(region) && !peers.containsKey(placed)) {
        throw new ConfigurationException(
            "there is a place of region " + placed + ", which is neither this one nor a peer");
      }
    }
    if (!(suspectPhi >= 1)) {
      throw new ConfigurationException("suspectPhi must be at least 1, was " + suspectPhi);
    }
  }

  /** With the defaults for everything that is not a matter of where one is. */
  public static ReplicationConfig of(
      String cluster,
      RegionName region,
      @Nullable PeerAddress listen,
      Map<RegionName, PeerAddress> peers,
      int maxValueBytes) {
    return new ReplicationConfig(
        cluster,
        region,
        listen,
        peers,
        Duration.ofMillis(500),
        8,
        Duration.ofSeconds(2),
        Duration.ofSeconds(5),
        Duration.ofSeconds(1),
        new Backoff(Duration.ofMillis(50), Duration.ofSeconds(5)),
        128 * 1024,
        16 << 20,
        32 << 20,
        maxValueBytes,
        Duration.ofMinutes(10),
        DEFAULT_REPAIR_BYTES_PER_SECOND,
        ProtocolRange.ALL,
        DeltaConfig.DEFAULT,
        RoutingConfig.DEFAULT);
  }

  /** The same where peers reach it at another address. */
  public ReplicationConfig listeningAt(PeerAddress address) {
    return new ReplicationConfig(
        cluster,
        region,
        address,
        peers,
        heartbeatEvery,
        suspectPhi,
        grantedPause,
        handshakeTimeout,
        attemptTimeout,
        backoff,
        batchBytes,
        windowBytes,
        holderBytes,
        maxValueBytes,
        compareEvery,
        repairBytesPerSecond,
        protocols,
        deltas,
        routing);
  }

  /** The same with other comparisons. */
  public ReplicationConfig withRepair(Duration every, long bytesPerSecond) {
    return new ReplicationConfig(
        cluster,
        region,
        listen,
        peers,
        heartbeatEvery,
        suspectPhi,
        grantedPause,
        handshakeTimeout,
        attemptTimeout,
        backoff,
        batchBytes,
        windowBytes,
        holderBytes,
        maxValueBytes,
        every,
        bytesPerSecond,
        protocols,
        deltas,
        routing);
  }

  /** The same with other versions of the protocol. */
  public ReplicationConfig speaking(ProtocolRange spoken) {
    return new ReplicationConfig(
        cluster,
        region,
        listen,
        peers,
        heartbeatEvery,
        suspectPhi,
        grantedPause,
        handshakeTimeout,
        attemptTimeout,
        backoff,
        batchBytes,
        windowBytes,
        holderBytes,
        maxValueBytes,
        compareEvery,
        repairBytesPerSecond,
        spoken,
        deltas,
        routing);
  }

  /** The same with other deltas. */
  public ReplicationConfig withDeltas(DeltaConfig other) {
    return new ReplicationConfig(
        cluster,
        region,
        listen,
        peers,
        heartbeatEvery,
        suspectPhi,
        grantedPause,
        handshakeTimeout,
        attemptTimeout,
        backoff,
        batchBytes,
        windowBytes,
        holderBytes,
        maxValueBytes,
        compareEvery,
        repairBytesPerSecond,
        protocols,
        other,
        routing);
  }

  /** The same with another way to choose whom reads ask. */
  public ReplicationConfig routedBy(RoutingConfig other) {
    return new ReplicationConfig(
        cluster,
        region,
        listen,
        peers,
        heartbeatEvery,
        suspectPhi,
        grantedPause,
        handshakeTimeout,
        attemptTimeout,
        backoff,
        batchBytes,
        windowBytes,
        holderBytes,
        maxValueBytes,
        compareEvery,
        repairBytesPerSecond,
        protocols,
        deltas,
        other);
  }

  /** What may have been read for a peer and not be under way: a batch, and the next record. */
  public long maxWaitingBytes() {
    return maxBatchBytes() + maxRecordBytes();
  }

  /** What may have come from a peer and wait for the disk: what was granted, and one batch. */
  public long maxReceivedBytes() {
    return (long) windowBytes + maxBatchBytes();
  }

  /** A record is sent whatever its size, alone if need be. */
  private long maxBatchBytes() {
    return Math.max(batchBytes, maxRecordBytes());
  }

  private long maxRecordBytes() {
    return (long) maxValueBytes + RecordCodec.MAX_BYTES_BESIDE_PAYLOAD;
  }

  /**
   * Whether the record may go to a peer, or come from one, as it is. A payload that was stored
   * under a higher limit may not.
   */
  boolean allows(MetadataRecord record) {
    Bytes payload = record.payload();
    return (payload == null || record.key().isSystem() || payload.length() <= maxValueBytes)
        && (!record.hasSiblings() || RecordCodec.estimatedBytes(record) <= maxRecordBytes());
  }

  /** All regions, this one included, sorted. */
  public List<RegionName> regions() {
    var all = new ArrayList<>(peers.keySet());
    all.add(region);
    all.sort(null);
    return all;
  }
}
