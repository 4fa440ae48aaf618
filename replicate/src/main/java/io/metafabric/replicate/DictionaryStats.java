package io.metafabric.replicate;

/**
 * Payloads that travelled in frames of few records, the first of their keys that a peer was sent,
 * and were told by a dictionary of their namespace; since the node was opened. Counted as often as
 * they were sent. Immutable.
 *
 * @param trained dictionaries that were made
 * @param useless of them, those that would not have saved enough, and were not used
 * @param sent dictionaries to peers, as often as they were
 * @param told payloads
 * @param toldBytes of them, with what names their dictionaries
 * @param savedBytes that the whole payloads would have taken beyond that, before compression
 * @param received payloads that were made here of what peers told
 * @param missing payloads that could not be, because their dictionary is not here: the peer was
 *     asked for the whole one
 * @param retainedBytes of heap, by estimate, for samples and dictionaries, those of peers included
 */
public record DictionaryStats(
    long trained,
    long useless,
    long sent,
    long told,
    long toldBytes,
    long savedBytes,
    long received,
    long missing,
    long retainedBytes) {
  /** Of {@link #retainedBytes} for what is trained here. */
  public static long maxOwnBytes(DeltaConfig config) {
    return Dictionaries.maxBytes(config);
  }

  /** Of {@link #retainedBytes} for each peer. */
  public static final long MAX_BYTES_OF_A_PEER = ReceivedDictionaries.MAX_BYTES;
}
