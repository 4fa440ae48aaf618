package io.metafabric.replicate;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.wire.DeltaCoding;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.FrameCodec;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Makes payloads of deltas, by what this node holds, and of what is told by dictionaries. Never
 * guesses: a delta whose base is not here is none. Belongs to the loop.
 */
final class DeltaReader {
  /**
   * @param records the changes, with the payloads that could be made
   * @param withoutBase keys of those that could not, though they are wanted
   * @param unwanted keys of those that are of no use here
   * @param missing numbers of dictionaries that are not here
   */
  record Result(
      List<MetadataRecord> records,
      List<Key> withoutBase,
      List<Key> unwanted,
      List<Long> missing) {}

  private final LocalCopies copies;
  private final @Nullable DeltaCoding coding;
  private final DeltaCounters counters;
  private final DictionaryCounters dictionaryCounters;

  DeltaReader(
      LocalCopies copies,
      @Nullable DeltaCoding coding,
      DeltaCounters counters,
      DictionaryCounters dictionaryCounters) {
    this.copies = copies;
    this.coding = coding;
    this.counters = counters;
    this.dictionaryCounters = dictionaryCounters;
  }

  /** For one connection. */
  ReceivedDictionaries dictionaries() {
    return new ReceivedDictionaries(dictionaryCounters.retainedBytes);
  }

  /**
   * What the payloads come to.
   *
   * @throws WireFormatException if that is more than what a frame may bring
   */
  static long payloadBytes(Frame.Deltas deltas, int maxValueBytes) {
    long bytes = 0;
    Map<Long, Frame.Delta> byCounter = deltas.byCounter();
    Map<Long, Frame.Told> told = deltas.toldByCounter();
    for (MetadataRecord record : deltas.changes().records()) {
      Header header = record.header();
      long counter = header.version().dot().counter();
      if (!byCounter.containsKey(counter) && !told.containsKey(counter)) {
        continue;
      }
      bytes += header.payloadBytes();
      if (header.payloadBytes() > maxValueBytes
          // No more than what a frame may have that is not compressed.
          || bytes > (long) maxValueBytes + FrameCodec.MAX_BYTES_BESIDE_PAYLOAD) {
        throw new WireFormatException(
            "deltas of "
                + bytes
                + " bytes and more in a frame, with maxValueBytes "
                + maxValueBytes);
      }
    }
    return bytes;
  }

  /**
   * @param dictionaries that came over the same connection
   * @param wanted whether the payload of a key is of use here; of others it is left out
   * @throws WireFormatException if a payload does not come to what the header says
   */
  Result read(Frame.Deltas deltas, ReceivedDictionaries dictionaries, Predicate<Key> wanted) {
    var records = new ArrayList<MetadataRecord>(deltas.changes().records().size());
    var withoutBase = new ArrayList<Key>();
    var unwanted = new ArrayList<Key>();
    var missing = new LinkedHashSet<Long>();
    Map<Long, Frame.Delta> byCounter = deltas.byCounter();
    Map<Long, Frame.Told> toldByCounter = deltas.toldByCounter();
    for (MetadataRecord record : deltas.changes().records()) {
      long counter = record.header().version().dot().counter();
      Frame.Delta delta = byCounter.get(counter);
      Frame.Told told = toldByCounter.get(counter);
      boolean wants = (delta != null || told != null) && wanted.test(record.key());
      MetadataRecord whole = record;
      if (wants && delta != null) {
        whole = read(record, delta);
      } else if (wants && told != null) {
        whole = read(record, told, dictionaries, missing);
      }
      if ((delta != null || told != null) && whole.payload() == null) {
        (wants ? withoutBase : unwanted).add(record.key());
      }
      records.add(whole);
    }
    return new Result(records, withoutBase, unwanted, List.copyOf(missing));
  }

  private MetadataRecord read(MetadataRecord record, Frame.Delta delta) {
    Bytes base = coding == null ? null : baseOf(record.key(), delta);
    if (coding == null || base == null) {
      counters.basesMissing.incrementAndGet();
      return record;
    }
    Bytes payload = coding.decode(base, delta.bytes(), record.header().payloadBytes());
    counters.received.incrementAndGet();
    return whole(record, payload);
  }

  private MetadataRecord read(
      MetadataRecord record,
      Frame.Told told,
      ReceivedDictionaries dictionaries,
      Set<Long> missing) {
    Bytes dictionary = dictionaries.find(told.dictionary());
    if (coding == null || dictionary == null) {
      dictionaryCounters.missing.incrementAndGet();
      if (missing.size() < Frame.Dictionary.PLACES) {
        missing.add(told.dictionary());
      }
      return record;
    }
    Bytes payload = coding.decodeBy(dictionary, told.bytes(), record.header().payloadBytes());
    dictionaryCounters.received.incrementAndGet();
    return whole(record, payload);
  }

  private static MetadataRecord whole(MetadataRecord record, Bytes payload) {
    if (!record.header().describes(payload)) {
      throw new WireFormatException(
          "the payload of " + record.key() + " has another checksum than said");
    }
    return record.withPayload(payload);
  }

  private @Nullable Bytes baseOf(Key key, Frame.Delta delta) {
    try {
      Bytes current = in(copies.find(key), delta);
      return current == null ? in(copies.findSuperseded(key), delta) : current;
    } catch (StorageException e) {
      return null; // what cannot be read is asked for like what is not here
    }
  }

  private static @Nullable Bytes in(@Nullable MetadataRecord record, Frame.Delta delta) {
    if (record == null) {
      return null;
    }
    for (Sibling each : record.versions()) {
      Header header = each.header();
      if (header.version().dot().equals(delta.base())
          && header.payloadCrc32c() == delta.baseCrc32c()
          && each.payload() != null) {
        return each.payload();
      }
    }
    return null;
  }
}
