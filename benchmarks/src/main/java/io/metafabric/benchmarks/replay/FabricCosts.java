package io.metafabric.benchmarks.replay;

import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.node.NodeConfig;
import io.metafabric.predict.Source;
import io.metafabric.replicate.arm.CopyRead;
import io.metafabric.replicate.arm.CopyTerms;
import io.metafabric.replicate.arm.CopyWrite;
import io.metafabric.replicate.arm.KeptCopies;
import io.metafabric.replicate.arm.KeptCopy;
import io.metafabric.replicate.arm.Prices;
import io.metafabric.replicate.arm.Update;
import java.util.BitSet;

/**
 * The classes that fabrics are made of, one for each region: hot tier, predictors and ARM as a
 * {@link FabricPolicy} calls them, and copies that stay beside the hot tier. Each region is told
 * what a node is told, and no more: a key's home decides what is sent, by what is fetched there and
 * what the reader tells; the reader how long it stays, by what it reads.
 */
final class FabricCosts implements CostPolicy {
  /** What a reading takes on the wire beside its key. */
  static final int READING_BYTES = 16;

  private final CostWorld world;
  private final Prices prices;
  private final FabricPolicy[] regions;

  /** Of each region, by number. */
  private final KeptCopies<Integer>[] kept;

  /** Up to when the store keeps a copy; 0 if it has none. By key, as what follows. */
  private final double[] untilMs;

  private final int[] payloadBytes;

  /** How long to keep what is on its way here. */
  private final double[] keptMs;

  private final BitSet underWay = new BitSet();

  /** Of which the home knows, or thinks, that the reader has a copy. */
  private final BitSet holds = new BitSet();

  private final BitSet told = new BitSet();
  private long writes;
  private long nowMs;

  @SuppressWarnings({"unchecked", "rawtypes"}) // there are no arrays of generic classes
  FabricCosts(CostWorld world, int capacity, double savedMs, long seed) {
    this.world = world;
    this.prices = world.sheet.forArm(savedMs);
    this.untilMs = new double[world.home.length];
    this.keptMs = new double[world.home.length];
    this.payloadBytes = new int[world.home.length];
    int count = world.sheet.regions().size();
    this.regions = new FabricPolicy[count];
    this.kept = new KeptCopies[count];
    for (int i = 0; i < count; i++) {
      regions[i] =
          new FabricPolicy(
              world.trace, new Place(i), capacity, 1, seed + i, true, false, false, Source.DEFAULT);
      KeptCopies<Integer> here =
          new KeptCopies<>(NodeConfig.DEFAULT_KEPT_BYTES, regions[i].arm().room(), this::pushedOut);
      regions[i].arm().room().yieldBy(missing -> here.giveUp(missing, nowMs));
      kept[i] = here;
    }
  }

  private final class Place implements FabricPolicy.Site {
    private final int number;

    Place(int number) {
      this.number = number;
    }

    @Override
    public RegionName region() {
      return world.sheet.regions().get(number);
    }

    @Override
    public Prices prices() {
      return prices;
    }

    @Override
    public RegionName from(int key) {
      return world.sheet.regions().get(world.source(key));
    }

    @Override
    public double remoteMs(int key) {
      return world.rttMs(key);
    }

    @Override
    public int payloadBytes(int key, int weightBytes) {
      return payloadBytes[key];
    }

    @Override
    public boolean stores(int key) {
      // A key that is yet to be made cannot be fetched.
      return world.reader[key] != number
          || payloadBytes[key] == 0
          || untilMs[key] > nowMs
          || underWay.get(key);
    }
  }

  private FabricPolicy of(int key) {
    return regions[world.reader[key]];
  }

  private FabricPolicy homeOf(int key) {
    return regions[world.home[key]];
  }

  private Key keyOf(int key) {
    return of(key).keyOf(key);
  }

  /** As the key's home knows them, which knows its own link. */
  private CopyTerms termsAtHome(int key) {
    return terms(key, world.home[key]);
  }

  /** As its reader does, which asks the nearer one. */
  private CopyTerms termsThere(int key) {
    return terms(key, world.source(key));
  }

  private CopyTerms terms(int key, int from) {
    int reader = world.reader[key];
    return new CopyTerms(
        world.sheet.regions().get(from),
        world.sheet.regions().get(reader),
        payloadBytes[key],
        world.sheet.rttMs(from, reader));
  }

  private static long nanos(long ms) {
    return ms * 1_000_000;
  }

  @Override
  public boolean hearsOfChanges() {
    return true;
  }

  @Override
  public int sender(int key, int writer) {
    return world.home[key];
  }

  @Override
  public boolean changed(int key, int bytes, long atMs) {
    nowMs = atMs;
    payloadBytes[key] = bytes;
    lose(key);
    underWay.clear(key);
    of(key).outdated(key);
    keptMs[key] = of(key).arm().changedElsewhere(keyOf(key), termsThere(key), nanos(atMs));
    var write =
        new CopyWrite(
            keyOf(key),
            new Dot(new ActorId(1), ++writes),
            termsAtHome(key),
            1,
            holds.get(key) ? CopyWrite.Held.COPY : CopyWrite.Held.NOTHING);
    Update update = homeOf(key).arm().decide(write, nanos(atMs));
    if (update == Update.PUSH) {
      underWay.set(key);
      holds.set(key);
    } else if (update == Update.DROP) {
      holds.clear(key);
    }
    return underWay.get(key);
  }

  @Override
  public void sent(int key, long atMs) {
    underWay.clear(key);
    of(key).overtaken(key);
    if (kept[world.reader[key]].hasRoom(atMs) || untilMs[key] > 0) {
      keep(key, KeptCopy.Cause.SENT, atMs);
    } else {
      holds.clear(key);
      homeOf(key)
          .arm()
          .dropped(keyOf(key), world.sheet.regions().get(world.reader[key]), nanos(atMs));
    }
  }

  private void keep(int key, KeptCopy.Cause cause, long atMs) {
    lose(key);
    if (keptMs[key] > 0
        && kept[world.reader[key]].put(
            keyOf(key).path(), key, cause, payloadBytes[key], keptMs[key], atMs)) {
      untilMs[key] = atMs + keptMs[key];
    }
  }

  private void lose(int key) {
    kept[world.reader[key]].drop(keyOf(key).path());
    untilMs[key] = 0;
  }

  private void pushedOut(int key) {
    untilMs[key] = Math.min(untilMs[key], nowMs);
  }

  @Override
  public void wroteHere(int row, long atMs) {
    nowMs = atMs;
    int key = world.trace.key()[row];
    payloadBytes[key] = world.payloadBytes[row];
    homeOf(key).arm().wroteElsewhere(keyOf(key), termsAtHome(key), nanos(atMs));
    keptMs[key] = of(key).arm().changedHere(keyOf(key), termsThere(key), nanos(atMs));
    keep(key, KeptCopy.Cause.WRITTEN, atMs);
    of(key).arrived(row);
  }

  @Override
  public boolean read(int row, long atMs) {
    nowMs = atMs;
    int key = world.trace.key()[row];
    CopyRead read =
        of(key).arm().readHere(keyOf(key), termsThere(key), of(key).holds(key), nanos(atMs));
    boolean coming = underWay.get(key);
    boolean held = of(key).request(row, atMs) && !coming;
    keptMs[key] = read.forMs();
    if (held && untilMs[key] > atMs) {
      kept[world.reader[key]].keepOn(keyOf(key).path(), read.forMs(), atMs);
      untilMs[key] = atMs + read.forMs();
    } else if (held) {
      keep(key, KeptCopy.Cause.READ, atMs);
    }
    boolean fetched = !held && !coming;
    boolean atHome = fetched && world.source(key) == world.home[key];
    told.set(key, fetched ? read.first() && !atHome : read.toTell());
    if (atHome || told.get(key)) {
      heardAtHome(key, atMs);
    }
    return held;
  }

  private void heardAtHome(int key, long atMs) {
    holds.set(key);
    homeOf(key).arm().readElsewhere(keyOf(key), termsAtHome(key), false, nanos(atMs));
  }

  @Override
  public int toldBytes(int key) {
    return told.get(key) ? READING_BYTES + keyOf(key).utf8Length() : 0;
  }

  @Override
  public void readElsewhere(int row, long atMs) {
    nowMs = atMs;
    regions[world.region[row]].requestAtHome(row, atMs);
  }

  @Override
  public void arrived(int row, long atMs) {
    nowMs = atMs;
    int key = world.trace.key()[row];
    of(key).arrived(row);
    keep(key, KeptCopy.Cause.READ, atMs);
  }

  @Override
  public int takePrefetches(int region, int[] into, long atMs) {
    nowMs = atMs;
    int count = regions[region].takePrefetches(into, atMs);
    for (int i = 0; i < count; i++) {
      if (world.source(into[i]) == world.home[into[i]]) {
        heardAtHome(into[i], atMs);
      }
    }
    return count;
  }

  @Override
  public void prefetched(int key, boolean awaited, long atMs) {
    nowMs = atMs;
    of(key).prefetched(key, awaited, atMs);
    if (awaited) {
      keep(key, KeptCopy.Cause.READ, atMs);
    }
  }

  @Override
  public void overtaken(int key, boolean prefetched) {
    of(key).overtaken(key);
  }

  @Override
  public double storedUntilMs(int key) {
    return untilMs[key];
  }
}
