package io.metafabric;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.stress.Interleavings;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Threads that race: waits with a time limit mean nothing to a model checker. */
@Tag("stress")
class OriginFlightsStressTest {
  private static final Key KEY = Key.of("n/1");
  private static final int ASKERS = 3;
  private static final int EACH = 200;

  private static Versioned numbered(int number) {
    Bytes payload = Bytes.utf8("v");
    var dot = new Dot(new ActorId(1), number);
    var version = new Version(dot, VersionVector.EMPTY, new Stamp(1 << 16));
    Header header = Header.value(version, new RegionName("rome"), payload, Header.NEVER);
    return new Versioned(new MetadataRecord(KEY, header, payload));
  }

  private static int number(Optional<Versioned> answer) {
    return (int) answer.orElseThrow().version().dot().counter();
  }

  @Test
  void oneAsksAtATime_andTheAnswerIsNeverOlderThanTheQuestion() {
    int rounds = Interleavings.times(20);
    for (int round = 0; round < rounds; round++) {
      var flights = new OriginFlights(Duration.ofSeconds(60));
      var asking = new AtomicInteger();
      var overlaps = new AtomicInteger();
      var begun = new AtomicInteger();
      var ended = new AtomicInteger();
      var older = new AtomicInteger();
      List<Interleavings.Part> parts = new ArrayList<>();
      for (int asker = 0; asker < ASKERS; asker++) {
        parts.add(
            () -> {
              for (int i = 0; i < EACH; i++) {
                int over = ended.get();
                Optional<Versioned> answer =
                    flights.ask(
                        KEY,
                        () -> {
                          overlaps.addAndGet(asking.getAndIncrement());
                          int number = begun.incrementAndGet();
                          Thread.yield();
                          asking.decrementAndGet();
                          return Optional.of(numbered(number));
                        });
                if (number(answer) <= over) {
                  older.incrementAndGet();
                }
                ended.accumulateAndGet(number(answer), Math::max);
              }
            });
      }
      Interleavings.race(parts.toArray(new Interleavings.Part[0]));
      assertThat(older).as("round %d: answers from before", round).hasValue(0);
      assertThat(overlaps).as("round %d: questions at once", round).hasValue(0);
      assertThat(begun.get()).isBetween(EACH, ASKERS * EACH);
    }
  }
}
