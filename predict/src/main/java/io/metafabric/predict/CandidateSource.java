package io.metafabric.predict;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;

/**
 * Proposes keys; a {@link SequencePredictor} puts together what several say to one probability.
 *
 * <p>Keys are references of one {@link KeyTable} that all share: whoever stores one need not be
 * told when its key is forgotten. What a source says has a <em>kind</em>, and the share of each
 * kind that comes true is learned by who asks, so a source claims no probabilities of its own.
 * Incremental, bounded in bytes, draws nothing by chance. Not thread-safe.
 */
interface CandidateSource {
  /** Takes what a source says. */
  interface Sink {
    /**
     * @param kind how it is said, from 0 and below {@link Source#kinds()}
     * @param cause the reference that it follows from; 0 if it does not follow from one
     */
    void propose(int reference, int kind, int cause);
  }

  /** So many keys are tracked now: tables may grow with them, within their bound. */
  default void fit(int trackedKeys) {}

  /** Learns from a read. */
  void observe(Sighting read);

  /** A key was read so often in another region, nobody knows after what. */
  default void readElsewhere(int reference, long reads) {}

  /**
   * Says what is likely after a read that it has observed.
   *
   * @param depth how many steps of a likely path to follow, at least 1
   */
  void propose(Sighting read, int depth, Sink sink);

  /** What would be proposed to a client that stands there; changes nothing. */
  default void consult(Sighting standing, Sink sink) {
    propose(standing, 1, sink);
  }

  /** Whether what is said in this way looks more than one step ahead. */
  default boolean looksFar(int kind) {
    return false;
  }

  void save(ByteWriter out);

  /**
   * Replaces all that it has learned.
   *
   * @throws io.metafabric.core.error.WireFormatException if it is not what {@link #save} wrote, or
   *     more than the bound allows; then what it has learned is undefined
   */
  void restore(ByteReader in);

  long retainedBytes();
}
