package io.metafabric.predict;

import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.AccessSummary;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.KeyedHash;
import io.metafabric.core.codec.PrefixedKeys;
import io.metafabric.core.codec.SummaryCodec;
import io.metafabric.core.record.Key;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;

/**
 * Makes {@link AccessSummary access summaries} of reads as they come, each within a number of
 * bytes.
 *
 * <p>Where there are more reads than fit, half of the clients are left out, and again: whole runs
 * of few clients say more about what follows what than a little of each. Who stays in follows from
 * a hash, another one in each summary, so that all have their turn. Of what is left out, and of
 * reads that only repeat the one before, the most frequent keys are counted. Not thread-safe.
 */
public final class SummaryMaker {
  /** Of all bytes, one in so many is kept free for keys that are only counted. */
  private static final int COUNTED_SHARE = 8;

  private static final long EVERYBODY = (1L << Integer.SIZE) - 1;

  /** Heap of a key with its entry in map and list, beside its text. */
  private static final int KEY_HEAP_BYTES = 120;

  private static final int RUN_HEAP_BYTES = 120;
  private static final int STRING_HEAP_BYTES = 2 * 48;

  /** One client's reads, by number of the key. */
  private static final class Run {
    int[] reads = new int[4];
    int count;
    int bytes = SummaryCodec.MAX_RUN_BYTES;

    int last() {
      return count == 0 ? -1 : reads[count - 1];
    }

    void add(int number) {
      if (count == reads.length) {
        reads = Arrays.copyOf(reads, 2 * count);
      }
      bytes += SummaryCodec.readBytes(last(), number);
      reads[count++] = number;
    }
  }

  private final int maxBytes;
  private final Predicate<Key> tells;
  private final KeyedHash hash;
  private final Map<String, Integer> numbers = new HashMap<>();
  private final List<Key> keys = new ArrayList<>();
  private PrefixedKeys prefixes = new PrefixedKeys();
  private final Map<Integer, Run> runs = new LinkedHashMap<>();
  private final FrequentKeys counted = new FrequentKeys();
  private int keyBytes;
  private int textBytes;
  private int runBytes;
  private long readsInRuns;
  private int turn;
  private long sampled = EVERYBODY;
  private boolean whole = true;
  private boolean empty = true;
  private long leftOut;

  /**
   * @param maxBytes 1 KiB to {@link SummaryCodec#MAX_BYTES}
   * @param tells whether other regions may be told of a key
   * @param random draws what clients' hashes are salted with
   */
  public SummaryMaker(int maxBytes, Predicate<Key> tells, RandomGenerator random) {
    this.maxBytes = maxBytes;
    this.tells = tells;
    this.hash = new KeyedHash(random);
  }

  /** The same as both one after the other, as far as it fits. */
  public static AccessSummary joined(AccessSummary earlier, AccessSummary later, int maxBytes) {
    var maker = new SummaryMaker(maxBytes, key -> true, () -> 0);
    maker.add(earlier);
    maker.add(later);
    AccessSummary joined = maker.take();
    boolean whole = joined.whole() && earlier.whole() && later.whole();
    return new AccessSummary(whole, joined.keys(), joined.runs(), joined.more());
  }

  private void add(AccessSummary summary) {
    List<Key> named = summary.keys();
    for (AccessSummary.Run run : summary.runs()) {
      for (int number : run.reads()) {
        add(run.client(), named.get(number).path());
      }
    }
    for (AccessSummary.More each : summary.more()) {
      count(named.get(each.key()).path(), each.reads());
    }
  }

  public void read(AccessEvent read) {
    hash.of(read.client());
    add((int) hash.low(), read.key());
  }

  private void add(int client, String path) {
    if (turned(client) > sampled) {
      leaveOut(path);
      return;
    }
    Run run = runs.get(client);
    Integer known = numbers.get(path);
    if (run != null && known != null && run.last() == known) {
      count(path, 1);
      return;
    }
    Key key = known == null ? Key.of(path) : keys.get(known);
    if (known == null && !tells.test(key)) {
      return;
    }
    int number = known == null ? keys.size() : known;
    int more = known == null ? prefixes.bytesOf(key) : 0;
    more += run == null ? SummaryCodec.MAX_RUN_BYTES : 0;
    more += SummaryCodec.readBytes(run == null ? -1 : run.last(), number);
    if (bytes() + more > maxBytes - maxBytes / COUNTED_SHARE
        || (known == null && textBytes + key.utf8Length() > SummaryCodec.MAX_TEXT_BYTES / 2)) {
      if (halve()) {
        add(client, path);
      } else {
        leaveOut(path);
      }
      return;
    }
    empty = false;
    if (known == null) {
      number(key);
    }
    if (run == null) {
      run = new Run();
      runs.put(client, run);
      runBytes += run.bytes;
    }
    runBytes -= run.bytes;
    run.add(number);
    runBytes += run.bytes;
    readsInRuns++;
  }

  private void number(Key key) {
    keyBytes += prefixes.pass(key);
    textBytes += key.utf8Length();
    numbers.put(key.path(), keys.size());
    keys.add(key);
  }

  private void leaveOut(String path) {
    whole = false;
    leftOut++;
    count(path, 1);
  }

  private void count(String path, long reads) {
    empty = false;
    counted.add(path, reads);
  }

  private int bytes() {
    return SummaryCodec.MAX_FIXED_BYTES + keyBytes + runBytes;
  }

  /** What decides who stays in; of two clients never the same. */
  private long turned(int client) {
    int mixed = client ^ turn * 0x9E3779B9;
    mixed = (mixed ^ mixed >>> 16) * 0x85EBCA6B;
    mixed = (mixed ^ mixed >>> 13) * 0xC2B2AE35;
    return Integer.toUnsignedLong(mixed ^ mixed >>> 16);
  }

  /** Leaves out half of the clients; false if there is but one. */
  private boolean halve() {
    if (runs.size() < 2) {
      return false;
    }
    long[] all = runs.keySet().stream().mapToLong(this::turned).sorted().toArray();
    sampled = all[(all.length - 1) / 2];
    var before = new LinkedHashMap<>(runs);
    List<Key> named = List.copyOf(keys);
    clearRuns();
    before.forEach(
        (client, run) -> {
          for (int i = 0; i < run.count; i++) {
            add(client, named.get(run.reads[i]).path());
          }
        });
    return true;
  }

  private void clearRuns() {
    numbers.clear();
    keys.clear();
    prefixes = new PrefixedKeys();
    runs.clear();
    keyBytes = 0;
    textBytes = 0;
    runBytes = 0;
    readsInRuns = 0;
  }

  /** Whether nothing was read that could be told. */
  public boolean isEmpty() {
    return empty;
  }

  /** Reads that were not told of in their place, because there were too many. */
  public long leftOut() {
    return leftOut;
  }

  /** What was read since the last call. */
  public AccessSummary take() {
    List<AccessSummary.More> more = more();
    var told = new ArrayList<AccessSummary.Run>(runs.size());
    runs.forEach(
        (client, run) ->
            told.add(
                new AccessSummary.Run(
                    client, Arrays.stream(run.reads, 0, run.count).boxed().toList())));
    var summary = new AccessSummary(whole, keys, told, more);
    clear();
    return summary;
  }

  /** Forgets what was read since the last call. */
  public void clear() {
    clearRuns();
    counted.clear();
    turn++;
    // More than would have fitted, in case that there is less to tell now.
    sampled = Math.min(EVERYBODY, 2 * sampled + 1);
    whole = true;
    empty = true;
  }

  private List<AccessSummary.More> more() {
    var more = new ArrayList<AccessSummary.More>();
    int bytes = bytes();
    for (FrequentKeys.Count each : counted.mostFirst()) {
      Integer known = numbers.get(each.path());
      Key key = known == null ? Key.of(each.path()) : keys.get(known);
      int own = known == null ? prefixes.bytesOf(key) : 0;
      // Its number may be told by a difference of three bytes.
      long reads = Math.min(each.reads(), AccessSummary.MAX_READS);
      own += 3 + ByteWriter.varintBytes(reads);
      boolean fits =
          bytes + own <= maxBytes && textBytes + key.utf8Length() <= SummaryCodec.MAX_TEXT_BYTES;
      if (fits && (known != null || tells.test(key))) {
        more.add(new AccessSummary.More(known == null ? keys.size() : known, reads));
        bytes += own;
        if (known == null) {
          number(key);
        }
      }
    }
    more.sort(Comparator.comparingInt(AccessSummary.More::key));
    return more;
  }

  /** An estimate of the heap that is held, in bytes. */
  public long retainedBytes() {
    return counted.retainedBytes()
        + (long) keys.size() * KEY_HEAP_BYTES
        + 2L * textBytes
        + (long) runs.size() * RUN_HEAP_BYTES
        + 2L * Integer.BYTES * readsInRuns;
  }

  /** {@link #retainedBytes} of one with so many bytes is never more. */
  public static long maxRetainedBytes(int maxBytes) {
    long countedBytes =
        FrequentKeys.PLACES * (3L * Long.BYTES + STRING_HEAP_BYTES + 2 * Key.MAX_BYTES);
    return countedBytes
        + (long) maxBytes / SummaryCodec.MIN_KEY_BYTES * KEY_HEAP_BYTES
        + 2L * SummaryCodec.MAX_TEXT_BYTES
        + (long) maxBytes / SummaryCodec.MAX_RUN_BYTES * RUN_HEAP_BYTES
        + 2L * Integer.BYTES * maxBytes;
  }
}
