package io.metafabric.migrate;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.place.HomeLookup;
import io.metafabric.core.place.Homes;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.Stamp;
import java.nio.ByteBuffer;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The homes that were moved, over those that follow from the configuration.
 *
 * <p>A move is a record of the fabric's own, one for each moved key, written by the home that the
 * key had before. It replicates like any other; its stamp is the epoch, so of two concurrent moves,
 * which only a home that lost its disk can issue, the higher epoch wins everywhere. Its header
 * alone says as much as its payload, which may have gone with the disks that had it. Thread-safe.
 */
public final class MovedHomes implements HomeLookup {
  /**
   * @param epoch how often the home was moved; 0 if never
   */
  public record Moved(Homes homes, long epoch) {}

  private static final String NAMESPACE = "home";
  private static final int FORMAT = 1;

  /** The homes that are not moved, and who can be no home of any key. */
  private record Present(HomeLookup homes, Set<RegionName> evicted) {}

  private final HomeLookup configured;
  private final List<RegionName> regions;
  private volatile Present present;
  private final Map<Key, Moved> moved = new ConcurrentHashMap<>();

  /**
   * @param regions all that are configured, in the order in which all regions name them
   */
  public MovedHomes(HomeLookup configured, List<RegionName> regions) {
    this.configured = configured;
    this.regions = List.copyOf(regions);
    this.present = new Present(configured, Set.of());
  }

  /** From now on these regions, and no others, are passed over: they were evicted. */
  public void passOver(Set<RegionName> evicted) {
    present = new Present(configured.without(evicted), Set.copyOf(evicted));
  }

  @Override
  public SortedMap<String, Homes> fixedHomes() {
    return configured.fixedHomes();
  }

  @Override
  public boolean isSubstituted(Key key) {
    Present now = present;
    if (now.evicted.isEmpty()) {
      return false;
    }
    Moved found = moved.get(key);
    Homes before = found == null ? configured.homesOf(key) : found.homes();
    return now.evicted.contains(before.home());
  }

  @Override
  public Homes homesOf(Key key) {
    Moved found = moved.isEmpty() ? null : moved.get(key);
    return homesOf(key, found);
  }

  @Override
  public boolean isHeldBy(RegionName region, Key key) {
    return moved.isEmpty() ? present.homes.isHeldBy(region, key) : homesOf(key).include(region);
  }

  private Homes homesOf(Key key, @Nullable Moved found) {
    Present now = present;
    if (found == null) {
      return now.homes.homesOf(key);
    }
    return now.evicted.isEmpty()
        ? found.homes()
        : found.homes().without(now.evicted, now.homes.homesOf(key));
  }

  /** Home, backup and epoch. */
  public Moved of(Key key) {
    Moved found = moved.get(key);
    return new Moved(homesOf(key, found), found == null ? 0 : found.epoch());
  }

  public Set<Key> movedKeys() {
    // In order, so that who goes through them does the same at each run.
    return Collections.unmodifiableSet(new TreeSet<>(moved.keySet()));
  }

  /** The key of the record that says where the home of {@code key} is. */
  public static Key recordOf(Key key) {
    return Key.system(NAMESPACE, key.path());
  }

  /** Its payload. */
  public static Bytes payloadOf(Moved moved) {
    var out = new ByteWriter(64).u8(FORMAT).varint(moved.epoch());
    RecordCodec.writeRegion(out, moved.homes().home());
    RegionName backup = moved.homes().backup();
    out.u8(backup == null ? 0 : 1);
    if (backup != null) {
      RecordCodec.writeRegion(out, backup);
    }
    return Bytes.copyOf(out.toArray());
  }

  /** Its stamp: the later move wins. */
  public static Stamp stampOf(long epoch) {
    return new Stamp(epoch);
  }

  /**
   * Takes over the newest state of a record of the fabric's own.
   *
   * @return the key whose home it says, null if it says something else
   * @throws WireFormatException if it is not what {@link #payloadOf} makes, or is without a payload
   *     and names none of the regions
   */
  public @Nullable Key apply(MetadataRecord record) {
    if (!record.key().namespace().equals("~" + NAMESPACE) || record.header().isTombstone()) {
      return null;
    }
    Key key = Key.of(record.key().id());
    Bytes payload = record.payload();
    moved.put(key, payload == null ? fromHeader(record.header()) : decode(payload));
    return key;
  }

  /** The backup is who wrote it, the epoch its stamp, and its checksum says which home is named. */
  private Moved fromHeader(Header header) {
    for (RegionName home : regions) {
      Homes homes = new Homes(home, header.writtenIn());
      var candidate = new Moved(homes, header.version().stamp().packed());
      if (header.describes(payloadOf(candidate))) {
        return candidate;
      }
    }
    throw new WireFormatException("a moved home is without its payload, and in none of " + regions);
  }

  private static Moved decode(Bytes payload) {
    var in = new ByteReader(ByteBuffer.wrap(payload.toArray()));
    int format = in.u8("format of a moved home");
    if (format != FORMAT) {
      throw new WireFormatException("a moved home has format " + format + ", not " + FORMAT);
    }
    long epoch = in.varint("epoch");
    RegionName home = RecordCodec.readRegion(in);
    RegionName backup = in.u8("backup") == 0 ? null : RecordCodec.readRegion(in);
    in.end("a moved home");
    return new Moved(new Homes(home, backup), epoch);
  }
}
