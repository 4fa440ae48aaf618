package io.metafabric;

import io.metafabric.core.wire.Frame.ShadowAnswer;
import io.metafabric.core.wire.MoveOutcome;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What became of an operation on the shadows of a key. Immutable.
 *
 * @param done regions where it was done, in that order: the shadow is there, or is gone
 * @param notDone regions where it was not, and why, by name
 */
public record ShadowOutcome(String key, List<String> done, SortedMap<String, String> notDone) {
  public ShadowOutcome {
    done = List.copyOf(done);
    notDone = Collections.unmodifiableSortedMap(new TreeMap<>(notDone));
  }

  /**
   * @param ofNone whether a region that has nothing to do with it is left out
   */
  static ShadowOutcome of(String key, List<ShadowAnswer> answers, boolean ofNone) {
    var done = new ArrayList<String>();
    var notDone = new TreeMap<String, String>();
    for (ShadowAnswer answer : answers) {
      if (answer.outcome() == MoveOutcome.DONE) {
        done.add(answer.region().name());
      } else if (answer.outcome() != MoveOutcome.NOT_FOUND || !ofNone) {
        notDone.put(answer.region().name(), answer.message());
      }
    }
    return new ShadowOutcome(key, done, notDone);
  }
}
