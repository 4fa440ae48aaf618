package io.metafabric.replicate;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.wire.DeltaCoding;
import io.metafabric.core.wire.Frame;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Tells payloads to one peer by dictionaries, which it sends before. Belongs to the loop.
 *
 * <p>Over each connection a dictionary goes once as much was sent as it would have saved: where few
 * payloads follow, it costs no more than twice what the best choice would.
 */
final class DictionarySender {
  private final Dictionaries dictionaries;
  private final DeltaCoding coding;
  private final DictionaryCounters counters;
  private final Place[] places = new Place[Frame.Dictionary.PLACES];

  DictionarySender(Dictionaries dictionaries, DeltaCoding coding, DictionaryCounters counters) {
    this.dictionaries = dictionaries;
    this.coding = coding;
    this.counters = counters;
    forgetAll();
  }

  /** What the peer knows of one place. */
  private static final class Place {
    long number;
    boolean isThere;
    boolean isRefused;
    double wouldHaveSaved;
  }

  /** A new connection: the peer has none. */
  void forgetAll() {
    for (int i = 0; i < places.length; i++) {
      places[i] = new Place();
    }
  }

  /** The peer does not have these: it is not told by them again. */
  void refused(List<Long> numbers) {
    for (Place each : places) {
      each.isRefused |= numbers.contains(each.number);
    }
  }

  /**
   * @param payload of the record
   * @param budget pays for the comparison
   * @param send sends a frame in front of the one in which the payload is told; false if it was not
   *     taken
   * @return null if it goes whole
   */
  Frame.@Nullable Told told(
      MetadataRecord record, Bytes payload, Predicate<Integer> budget, Predicate<Frame> send) {
    if (payload.length() > NamespaceDictionary.MAX_PAYLOAD_BYTES) {
      return null;
    }
    NamespaceDictionary of = dictionaries.of(record.key().namespace());
    if (of == null) {
      return null;
    }
    Frame.Dictionary by = of.dictionary();
    if (by == null) {
      dictionaries.sample(of, record, payload);
      return null;
    }
    boolean mayBeTold =
        isThere(by, of.savedShare() * payload.length(), send)
            && budget.test(by.bytes().length() + payload.length());
    return mayBeTold ? told(record, payload, of, by) : null;
  }

  private boolean isThere(Frame.Dictionary dictionary, double saves, Predicate<Frame> send) {
    Place place = places[dictionary.place()];
    if (place.number != dictionary.number()) {
      place = new Place();
      place.number = dictionary.number();
      places[dictionary.place()] = place;
    }
    if (place.isThere || place.isRefused) {
      return !place.isRefused;
    }
    place.wouldHaveSaved += saves;
    if (place.wouldHaveSaved < dictionary.bytes().length() || !send.test(dictionary)) {
      return false;
    }
    place.isThere = true;
    counters.sent.incrementAndGet();
    return true;
  }

  private Frame.@Nullable Told told(
      MetadataRecord record, Bytes payload, NamespaceDictionary of, Frame.Dictionary by) {
    Bytes told = coding.encodeBy(by.bytes(), payload);
    int bytes = told == null ? payload.length() : told.length() + Frame.Told.OVERHEAD_BYTES;
    dictionaries.told(of, payload.length(), Math.min(bytes, payload.length()));
    return told == null || bytes >= payload.length()
        ? null
        : new Frame.Told(record.header().version().dot().counter(), by.number(), told);
  }

  /** Payloads are under way. */
  void sent(Frame.Told told, int payloadBytes) {
    int bytes = told.bytes().length() + Frame.Told.OVERHEAD_BYTES;
    counters.told.incrementAndGet();
    counters.toldBytes.addAndGet(bytes);
    counters.savedBytes.addAndGet(payloadBytes - bytes);
  }
}
