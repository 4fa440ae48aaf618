package io.metafabric.replicate.arm;

import io.metafabric.core.record.Key;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * The last decisions, bounded in bytes; the oldest go first. Looking one up reads the whole log: it
 * is for people who ask why, not for the control loop. Not thread-safe.
 */
final class DecisionLog {
  /** A decision, its candidate, appraisal and prediction, their key and the place in the log. */
  private static final int BYTES_PER_DECISION = 424;

  private final long maxBytes;
  private final Deque<Decision> oldestFirst = new ArrayDeque<>();
  private long bytes;
  private long forgotten;

  DecisionLog(long maxBytes) {
    this.maxBytes = maxBytes;
  }

  void add(Decision decision) {
    oldestFirst.add(decision);
    bytes += bytesOf(decision);
    while (bytes > maxBytes) {
      bytes -= bytesOf(oldestFirst.remove());
      forgotten++;
    }
  }

  private static long bytesOf(Decision decision) {
    var prediction = decision.candidate().prediction();
    int characters = prediction.key().path().length() + prediction.reason().length();
    return BYTES_PER_DECISION + 2L * characters;
  }

  List<Decision> on(Key key) {
    var found = new ArrayList<Decision>();
    for (Decision decision : oldestFirst) {
      if (decision.candidate().prediction().key().equals(key)) {
        found.add(decision);
      }
    }
    return List.copyOf(found);
  }

  long retainedBytes() {
    return bytes;
  }

  long forgotten() {
    return forgotten;
  }
}
