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
 * @param prefetchesCancelled keys that were asked for ahead, and before they were answered were
 *     here, had become older ones, or prefetching was switched off
 * @param routing what was done so that reads need not wait for a slow or silent region
 * @param prefetchingBytes of heap, by estimate, for keys that were asked for ahead and are not
 *     answered yet
 * @param prefetchAnswersBytes of heap, by estimate, for keys that peers want ahead of their reads
 * @param overCredit batches that were not taken, because the peer had sent more than was granted
 * @param receivedBytes of changes that came and wait for the disk
 * @param holderBytes of heap, by estimate, for which regions were given copies
 * @param hints what homes said of shadows in other regions
 * @param deltas payloads that were told by an earlier version
 * @param dictionaries payloads that were told by what they have in common with others
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
    RoutingStats routing,
    long prefetchingBytes,
    long prefetchAnswersBytes,
    long overCredit,
    long receivedBytes,
    long holderBytes,
    HintStats hints,
    DeltaStats deltas,
    DictionaryStats dictionaries) {
  /** Of {@link #prefetchingBytes}; what is more is not asked for. */
  public static final long MAX_PREFETCHING_BYTES = Fetches.MAX_PREFETCHING_BYTES;

  /** Of {@link #prefetchAnswersBytes} for each peer; what is more is turned away. */
  public static final long MAX_PREFETCH_ANSWERS_BYTES = PrefetchAnswers.MAX_WAITING_BYTES;

  public ReplicationStats {
    peers = List.copyOf(peers);
  }
}
