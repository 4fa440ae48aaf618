package io.metafabric.predict;

import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.AccessEvent.Outcome;
import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.record.RegionName;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLongArray;
import org.jspecify.annotations.Nullable;

/**
 * Carries reads from the threads that serve them to the control loop, and loses some.
 *
 * <p>{@link #record} is one attempt to claim a stripe and a few stores. It never waits, reads no
 * clock and allocates nothing; when the stripe is claimed by another thread or full, the read is
 * dropped and counted. A lost read costs a little accuracy, a wait would cost the host.
 *
 * <p>A client's reads all go through one stripe, so they come out in the order in which they went
 * in. Without a client the reading thread is taken for one. Any number of threads record; one at a
 * time drains. Bounded in bytes, keys and client names included.
 */
public final class AccessRing {
  private static final Outcome[] OUTCOMES = Outcome.values();
  private static final int STRIPES = 16;
  private static final int SLOTS_PER_STRIPE = 1024;
  private static final long MAX_TEXT_BYTES = 4L << 20;
  private static final int MAX_THREAD_NAMES = 1024;

  // Per stripe, 32 longs: the first 16 (two cache lines, as lines are fetched in pairs) are
  // written by those who record, the others by the one who drains.
  private static final int CONTROL_LONGS = 32;
  private static final int CLAIM = 0;
  private static final int WRITTEN = 1;
  private static final int WRITTEN_BYTES = 2;
  private static final int DROPPED = 3;
  private static final int READ = 16;
  private static final int READ_BYTES = 17;

  private static final int SLOT_BYTES = 4 + 4 + 8 + 8 + 1;

  private final RegionName region;
  private final int stripeMask;
  private final int slotMask;
  private final long maxTextBytesPerStripe;
  private final AtomicLongArray control;
  private final Stripe[] stripes;
  private final Map<Long, String> threadNames = new HashMap<>();
  private int firstStripe;
  private volatile long nowMs;

  /** One stripe's slots. */
  private static final class Stripe {
    final @Nullable String[] keys;
    final @Nullable String[] clients;
    final long[] threadIds;
    final long[] atMs;
    final byte[] outcomes;

    Stripe(int slots) {
      keys = new @Nullable String[slots];
      clients = new @Nullable String[slots];
      threadIds = new long[slots];
      atMs = new long[slots];
      outcomes = new byte[slots];
    }
  }

  /** A ring for 1,024 reads of each of 16 groups of clients, with at most 4 MiB of text. */
  public AccessRing(RegionName region) {
    this(region, STRIPES, SLOTS_PER_STRIPE, MAX_TEXT_BYTES);
  }

  /**
   * @param region where the reads happen
   * @param stripes a power of two; about four times the threads that read at once
   * @param slotsPerStripe a power of two; what one client may read between two drains
   * @param maxTextBytes for the keys and names of clients that wait, over all stripes
   */
  AccessRing(RegionName region, int stripes, int slotsPerStripe, long maxTextBytes) {
    requirePowerOfTwo("stripes", stripes);
    requirePowerOfTwo("slotsPerStripe", slotsPerStripe);
    if (maxTextBytes < stripes) {
      throw new ConfigurationException("maxTextBytes is too small: " + maxTextBytes);
    }
    this.region = region;
    this.stripeMask = stripes - 1;
    this.slotMask = slotsPerStripe - 1;
    this.maxTextBytesPerStripe = maxTextBytes / stripes;
    this.control = new AtomicLongArray((stripes + 1) * CONTROL_LONGS);
    this.stripes = new Stripe[stripes];
    for (int i = 0; i < stripes; i++) {
      this.stripes[i] = new Stripe(slotsPerStripe);
    }
  }

  private static void requirePowerOfTwo(String what, int value) {
    if (Integer.bitCount(value) != 1 || value < 1 || value > 1 << 20) {
      throw new ConfigurationException(
          what + " must be a power of two between 1 and " + (1 << 20) + ", was " + value);
    }
  }

  /** Sets the time that reads are stamped with from now on, in epoch milliseconds. */
  public void setNow(long wallMs) {
    nowMs = wallMs;
  }

  /**
   * Records a read, or drops it.
   *
   * @param client who reads; null for the current thread
   */
  public void record(@Nullable String client, String key, Outcome outcome) {
    long threadId = client == null ? Thread.currentThread().getId() : 0;
    int hash = (client == null ? Long.hashCode(threadId) : client.hashCode()) * 0x9E3779B9;
    int index = (hash >>> 16) & stripeMask;
    long bytes = textBytes(client, key);
    int base = base(index);
    if (!control.compareAndSet(base + CLAIM, 0, 1)) {
      control.getAndIncrement(base + DROPPED);
      return;
    }
    try {
      long written = control.getPlain(base + WRITTEN);
      long writtenBytes = control.getPlain(base + WRITTEN_BYTES);
      // The bytes are asked first: the drain lets go of them before it lets go of the slots.
      long waitingBytes = writtenBytes - control.getAcquire(base + READ_BYTES);
      long waiting = written - control.getAcquire(base + READ);
      if (waiting > slotMask || waitingBytes + bytes > maxTextBytesPerStripe) {
        control.getAndIncrement(base + DROPPED);
        return;
      }
      Stripe stripe = stripes[index];
      int slot = (int) written & slotMask;
      stripe.keys[slot] = key;
      stripe.clients[slot] = client;
      stripe.threadIds[slot] = threadId;
      stripe.atMs[slot] = nowMs;
      stripe.outcomes[slot] = (byte) outcome.ordinal();
      control.setPlain(base + WRITTEN_BYTES, writtenBytes + bytes);
      control.setRelease(base + WRITTEN, written + 1);
    } finally {
      control.setRelease(base + CLAIM, 0);
    }
  }

  /**
   * Takes up to {@code max} reads out, those of one client in order. One thread at a time; it does
   * not hinder those that record.
   */
  public List<AccessEvent> drain(int max) {
    var events = new ArrayList<AccessEvent>();
    for (int i = 0; i <= stripeMask && events.size() < max; i++) {
      drain((firstStripe + i) & stripeMask, max, events);
    }
    // Another stripe goes first next time, so that a small max starves nobody.
    firstStripe = (firstStripe + 1) & stripeMask;
    return events;
  }

  private void drain(int index, int max, List<AccessEvent> events) {
    int base = base(index);
    Stripe stripe = stripes[index];
    long written = control.getAcquire(base + WRITTEN);
    long read = control.getPlain(base + READ);
    long bytes = 0;
    while (read < written && events.size() < max) {
      int slot = (int) read & slotMask;
      String key = stripe.keys[slot];
      if (key == null) {
        throw new IllegalStateException("slot " + slot + " of stripe " + index + " is empty");
      }
      String named = stripe.clients[slot];
      String client = named == null ? threadName(stripe.threadIds[slot]) : named;
      Outcome outcome = OUTCOMES[stripe.outcomes[slot]];
      events.add(new AccessEvent(client, key, region, stripe.atMs[slot], outcome));
      bytes += textBytes(named, key);
      stripe.keys[slot] = null;
      stripe.clients[slot] = null;
      read++;
    }
    control.setRelease(base + READ_BYTES, control.getPlain(base + READ_BYTES) + bytes);
    control.setRelease(base + READ, read);
  }

  private String threadName(long threadId) {
    if (threadNames.size() >= MAX_THREAD_NAMES) {
      threadNames.clear();
    }
    return threadNames.computeIfAbsent(threadId, id -> "thread-" + id);
  }

  /** Reads that were let in, drained or not. */
  public long recorded() {
    return sum(WRITTEN);
  }

  /** Reads that were lost. */
  public long dropped() {
    return sum(DROPPED);
  }

  /** An estimate of the heap that is held, in bytes: the slots, and the text that waits in them. */
  public long retainedBytes() {
    long slots = (long) (stripeMask + 1) * (slotMask + 1) * SLOT_BYTES;
    long text = 0;
    for (int i = 0; i <= stripeMask; i++) {
      long written = control.getOpaque(base(i) + WRITTEN_BYTES);
      // The reader may have gone on since; it is behind what was written then.
      text += Math.max(0, written - control.getOpaque(base(i) + READ_BYTES));
    }
    return slots + 8L * control.length() + text;
  }

  /** {@link #retainedBytes} is never more. */
  public long maxRetainedBytes() {
    long slots = (long) (stripeMask + 1) * (slotMask + 1) * SLOT_BYTES;
    return slots + 8L * control.length() + (stripeMask + 1) * maxTextBytesPerStripe;
  }

  private long sum(int counter) {
    long sum = 0;
    for (int i = 0; i <= stripeMask; i++) {
      sum += control.getOpaque(base(i) + counter);
    }
    return sum;
  }

  /** One block of longs is left out at the front, to keep the array's header off a hot line. */
  private static int base(int stripe) {
    return (stripe + 1) * CONTROL_LONGS;
  }

  private static int textBytes(@Nullable String client, String key) {
    return HeapSize.atMost(key) + (client == null ? 0 : HeapSize.atMost(client));
  }
}
