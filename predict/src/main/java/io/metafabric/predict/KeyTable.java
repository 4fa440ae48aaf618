package io.metafabric.predict;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.error.InvalidKeyException;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.index.KeyHash;
import io.metafabric.core.record.Key;
import java.util.Arrays;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Keys as small ints, bounded in bytes. A key has a <em>slot</em>, an index for other tables' rows,
 * for as long as it is in the table, and a <em>reference</em>, its slot and the slot's generation
 * in one int. A reference to a key that has left is recognised as stale, so whoever stores
 * references need not be told of evictions. Generations wrap around: a reference that outlives many
 * thousand tenants of its slot may name another key, which costs accuracy and nothing else.
 *
 * <p>Chained hashing in int arrays, which grow with use, by a hash that is seeded: who chooses keys
 * does not choose chains. The CLOCK hand takes keys that were seen rarely and long ago (GCLOCK,
 * Smith 1978), so a scan over new keys does not wash out the ones in use. Not thread-safe. Slot 0
 * and reference 0 stand for nothing.
 */
final class KeyTable {
  /** Where its name is, hash, chain, bucket, generation and clock of one slot. */
  private static final int BYTES_PER_SLOT = 4 + 4 + 4 + 4 + 2 + 1;

  private static final int MIN_CAPACITY = 64;
  private static final int MAX_USES = 3;

  private final long maxBytes;
  private final int rowBytes;
  private final long seed;
  private final IntConsumer onEvicted;
  private final int slotBits;
  private final int slotMask;

  private KeyNames names;
  private int[] hashes = new int[MIN_CAPACITY];
  private int[] next = new int[MIN_CAPACITY];
  private char[] generations = new char[MIN_CAPACITY];
  private byte[] uses = new byte[MIN_CAPACITY];
  private int[] buckets = new int[MIN_CAPACITY];
  private int capacity = MIN_CAPACITY;

  private int freeSlots;
  private int unusedSlot = 1;
  private int hand = 1;
  private int size;
  private long evictions;

  /**
   * @param maxBytes for keys, this table and the rows that others keep per slot
   * @param rowBytes what others keep per slot
   * @param seed should be drawn at random; what is saved can be restored with another
   * @param onEvicted told the slot of every key that leaves
   */
  KeyTable(long maxBytes, int rowBytes, long seed, IntConsumer onEvicted) {
    this.maxBytes = maxBytes;
    this.rowBytes = rowBytes;
    this.seed = seed;
    this.onEvicted = onEvicted;
    long mostSlots = Math.max(MIN_CAPACITY, maxBytes / (BYTES_PER_SLOT + rowBytes));
    this.slotBits = Math.min(30, 64 - Long.numberOfLeadingZeros(mostSlots));
    this.slotMask = (1 << slotBits) - 1;
    this.names = new KeyNames(seed);
    names.ensureCapacity(capacity);
  }

  /** The key's reference; 0 if the key is not here. */
  int find(String key) {
    int slot = slotOfKey(key, hash(key));
    return slot == 0 ? 0 : reference(slot);
  }

  /** The key's reference; the key enters if it is not here, perhaps at the cost of others. */
  int intern(String key) {
    int hash = hash(key);
    int slot = slotOfKey(key, hash);
    if (slot == 0) {
      slot = insert(key, hash);
    } else if (uses[slot] < MAX_USES) {
      uses[slot]++;
    }
    return reference(slot);
  }

  /** The slot of a reference; 0 if the key has left since. */
  int slotOf(int reference) {
    int slot = reference & slotMask;
    return slot != 0 && slot < unusedSlot && reference(slot) == reference && names.has(slot)
        ? slot
        : 0;
  }

  /** Null if the slot has no key now; made anew each time. */
  @Nullable String keyAt(int slot) {
    return names.has(slot) ? names.name(slot) : null;
  }

  /** Whether a slot has a key now. */
  boolean isUsed(int slot) {
    return names.has(slot);
  }

  /** How many slots there are room for now; slots are smaller than this. */
  int capacity() {
    return capacity;
  }

  /** Slots from 1 to this, exclusively, have held a key; no others have. */
  int usedSlots() {
    return unusedSlot;
  }

  int size() {
    return size;
  }

  long evictions() {
    return evictions;
  }

  long retainedBytes() {
    return slotBytes() + names.retainedBytes();
  }

  private long slotBytes() {
    return (long) capacity * (BYTES_PER_SLOT + rowBytes);
  }

  private int reference(int slot) {
    return generations[slot] << slotBits | slot;
  }

  private int hash(String key) {
    return (int) KeyHash.of(key, seed);
  }

  private int slotOfKey(String key, int hash) {
    int slot = buckets[hash & (buckets.length - 1)];
    while (slot != 0 && !(hashes[slot] == hash && names.is(slot, key))) {
      slot = next[slot];
    }
    return slot;
  }

  private int insert(String key, int hash) {
    int slot = freeSlot();
    while (size > 0 && !names.hasRoom(key, maxBytes - slotBytes())) {
      evictOne();
    }
    uses[slot] = 0;
    enter(slot, key, hash);
    return slot;
  }

  private void enter(int slot, String key, int hash) {
    int bucket = hash & (buckets.length - 1);
    names.put(slot, key, maxBytes - slotBytes());
    hashes[slot] = hash;
    next[slot] = buckets[bucket];
    buckets[bucket] = slot;
    size++;
  }

  private int freeSlot() {
    if (freeSlots == 0 && unusedSlot == capacity && !grow()) {
      evictOne();
    }
    if (freeSlots != 0) {
      int slot = freeSlots;
      freeSlots = next[slot];
      return slot;
    }
    return unusedSlot++;
  }

  /**
   * Adds a quarter, or what the bound allows; not worth copying everything for less than a 16th.
   */
  private boolean grow() {
    long affordable = maxBytes / (BYTES_PER_SLOT + rowBytes + names.bytesEach(size));
    int grown = (int) Math.min(Math.min(affordable, capacity + capacity / 4), slotMask);
    if (grown < capacity + capacity / 16) {
      return false;
    }
    names.ensureCapacity(grown);
    hashes = Arrays.copyOf(hashes, grown);
    next = Arrays.copyOf(next, grown);
    generations = Arrays.copyOf(generations, grown);
    uses = Arrays.copyOf(uses, grown);
    capacity = grown;
    if (grown >= 2 * buckets.length) {
      rehash(Integer.highestOneBit(grown));
    }
    return true;
  }

  /** Only when no slot is free, so that every slot below {@code unusedSlot} holds a key. */
  private void rehash(int bucketCount) {
    buckets = new int[bucketCount];
    for (int slot = 1; slot < unusedSlot; slot++) {
      int bucket = hashes[slot] & (bucketCount - 1);
      next[slot] = buckets[bucket];
      buckets[bucket] = slot;
    }
  }

  private void evictOne() {
    while (!names.has(hand) || uses[hand] > 0) {
      if (names.has(hand)) {
        uses[hand]--;
      }
      advance();
    }
    int slot = hand;
    advance();
    unlink(slot);
    names.remove(slot);
    generations[slot]++;
    free(slot);
    size--;
    evictions++;
    onEvicted.accept(slot);
  }

  private void advance() {
    hand = hand + 1 < unusedSlot ? hand + 1 : 1;
  }

  private void unlink(int slot) {
    int bucket = hashes[slot] & (buckets.length - 1);
    if (buckets[bucket] == slot) {
      buckets[bucket] = next[slot];
      return;
    }
    int before = buckets[bucket];
    while (next[before] != slot) {
      before = next[before];
    }
    next[before] = next[slot];
  }

  void save(ByteWriter out) {
    out.u8(slotBits).varint(capacity).varint(unusedSlot).varint(hand);
    for (int slot = 1; slot < unusedSlot; slot++) {
      String key = keyAt(slot);
      out.varint(generations[slot]).u8(uses[slot]).text(key == null ? "" : key);
    }
  }

  /**
   * Keys get the slots and references that they had; some may be forgotten for want of room. What
   * others keep of slots without a key is for them to clear. Not to be used after a failure.
   *
   * @throws WireFormatException if it is not what {@link #save} wrote, or beyond the bound
   */
  void restore(ByteReader in) {
    int bits = in.u8("bits of a slot");
    if (bits != slotBits) {
      throw new WireFormatException("slots had " + bits + " bits and have " + slotBits + " now");
    }
    int newCapacity = in.varint("slots of keys", MIN_CAPACITY, Math.max(MIN_CAPACITY, slotMask));
    if (newCapacity > MIN_CAPACITY) {
      Saved.requireWithin((long) newCapacity * (BYTES_PER_SLOT + rowBytes), maxBytes, "keys");
    }
    int newUnused = in.varint("slots that were used", 1, newCapacity);
    int newHand = in.varint("the hand", 1, Math.max(1, newUnused - 1));
    // A generation, the uses and the length of a key take a byte each at least.
    Saved.requireWithin(3L * (newUnused - 1), in.remaining(), "keys");
    capacity = newCapacity;
    names = new KeyNames(seed);
    names.ensureCapacity(newCapacity);
    hashes = new int[newCapacity];
    next = new int[newCapacity];
    generations = new char[newCapacity];
    uses = new byte[newCapacity];
    buckets = new int[Integer.highestOneBit(newCapacity)];
    freeSlots = 0;
    size = 0;
    unusedSlot = newUnused;
    hand = newHand;
    for (int slot = 1; slot < newUnused; slot++) {
      generations[slot] = (char) in.varint("generation of a slot", 0, Character.MAX_VALUE);
      uses[slot] = (byte) in.varint("uses of a key", 0, MAX_USES);
      String key = in.text("a key", in.remaining());
      if (key.isEmpty()) {
        free(slot);
        continue;
      }
      requireKey(key);
      int hash = hash(key);
      boolean isTwice = slotOfKey(key, hash) != 0;
      // In another order fewer names share what they begin with: what does not fit is forgotten.
      if (isTwice || (size > 0 && !names.hasRoom(key, maxBytes - slotBytes()))) {
        // Who refers to it must not mean the next key of its slot.
        generations[slot]++;
        free(slot);
      } else {
        enter(slot, key, hash);
        Saved.requireWithin(
            retainedBytes(), Math.max(maxBytes, size == 1 ? retainedBytes() : 0), "keys");
      }
    }
  }

  private void free(int slot) {
    next[slot] = freeSlots;
    freeSlots = slot;
  }

  /** Else proposing it would fail, long after. Does not name it: the message goes to logs. */
  private static void requireKey(String key) {
    try {
      Key.of(key);
    } catch (InvalidKeyException e) {
      throw new WireFormatException("one of the keys is none");
    }
  }
}
