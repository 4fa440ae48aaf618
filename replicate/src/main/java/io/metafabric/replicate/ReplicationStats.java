package io.metafabric.replicate;

import java.util.List;

/**
 * @param changesReceived records that came in the stream of changes
 * @param gaps batches put off because something before them was missing
 * @param batchesRefused batches of changes that this directory did not take: its disk or index
 *     refused, or what it has of a key cannot be read; they come again, and the peer's problem says
 *     why
 * @param refusedPeers handshakes that were refused
 * @param withoutHandshake connections that came in and ended before they had said who they were:
 *     silent, cut off, or not of this protocol
 * @param repliesDropped answers to fetches for which the connection had no room
 * @param prefetchesTurnedAway keys that a peer wanted ahead of their reads, answered as not held
 *     because too many of them waited already
 * @param prefetchesHurried keys that were asked for ahead and that a read then waited for: the peer
 *     was told to answer them next
 * @param prefetchesCancelled keys that were asked for ahead, and were here or had become older ones
 *     before they were answered
 * @param overCredit batches that were not taken, because the peer had sent more than was granted
 * @param receivedBytes of changes that came and wait for the disk
 * @param holderBytes of heap, by estimate, for which regions were given copies
 */
public record ReplicationStats(
    List<PeerStats> peers,
    long changesReceived,
    long gaps,
    long batchesRefused,
    long refusedPeers,
    long withoutHandshake,
    long repliesDropped,
    long prefetchesTurnedAway,
    long prefetchesHurried,
    long prefetchesCancelled,
    long overCredit,
    long receivedBytes,
    long holderBytes) {
  public ReplicationStats {
    peers = List.copyOf(peers);
  }
}
