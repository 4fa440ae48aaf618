package io.metafabric.predict;

import static io.metafabric.core.stress.Interleavings.require;
import static io.metafabric.core.stress.Interleavings.together;

import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.AccessEvent.Outcome;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.stress.Interleavings;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** One stripe of two slots: what is let in comes out once and in order, the rest is counted. */
@Tag("stress")
class AccessRingStressTest {
  private static final int EACH = 3;

  @Test
  void everyReadComesOutOnce_orIsCountedAsLost() {
    Interleavings.ofProgram(
        () -> {
          var ring = new AccessRing(new RegionName("rome"), 1, 2, 1 << 10);
          var events = new ArrayList<AccessEvent>();
          together(
              () -> record(ring, "a"),
              () -> record(ring, "b"),
              () -> {
                events.addAll(ring.drain(2));
                events.addAll(ring.drain(1));
              });
          events.addAll(ring.drain(Integer.MAX_VALUE));
          require(events.size() == ring.recorded(), "let in " + ring.recorded() + ": " + events);
          require(ring.recorded() + ring.dropped() == 2 * EACH, "lost and not counted");
          requireOrder(events, "a");
          requireOrder(events, "b");
          long empty = new AccessRing(new RegionName("rome"), 1, 2, 1 << 10).retainedBytes();
          require(ring.retainedBytes() == empty, "text is left");
        });
  }

  private static void record(AccessRing ring, String client) {
    for (int i = 0; i < EACH; i++) {
      ring.record(client, client + i, Outcome.HOT);
    }
  }

  private static void requireOrder(List<AccessEvent> events, String client) {
    String before = "";
    for (AccessEvent event : events) {
      if (event.client().equals(client)) {
        require(event.key().startsWith(client), "another's read: " + event);
        require(event.key().compareTo(before) > 0, "out of order: " + events);
        before = event.key();
      }
    }
  }
}
