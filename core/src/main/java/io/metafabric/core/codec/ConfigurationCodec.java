package io.metafabric.core.codec;

import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.place.Configuration;
import io.metafabric.core.place.Configuration.Standing;
import io.metafabric.core.record.RegionName;
import java.util.TreeMap;

/** The bytes of a configuration; docs/FORMAT.md has them. Stateless. */
public final class ConfigurationCodec {
  /** A cluster has no more regions. */
  private static final int MAX_REGIONS = 64;

  private ConfigurationCodec() {}

  public static void write(ByteWriter out, Configuration configuration) {
    out.varint(configuration.epoch()).varint(configuration.changed().size());
    configuration
        .changed()
        .forEach(
            (region, standing) -> {
              RecordCodec.writeRegion(out, region);
              out.u8(standing.evicted() ? 1 : 0).varint(standing.since());
            });
  }

  /**
   * @throws WireFormatException if it is not what {@link #write} makes
   */
  public static Configuration read(ByteReader in) {
    long epoch = in.varint("epoch of the configuration");
    int count = in.varint("regions of the configuration", 0, MAX_REGIONS);
    var changed = new TreeMap<RegionName, Standing>();
    for (int i = 0; i < count; i++) {
      RegionName region = RecordCodec.readRegion(in);
      if (!changed.isEmpty() && changed.lastKey().compareTo(region) >= 0) {
        throw new WireFormatException("the configuration is not in order at " + region);
      }
      int evicted = in.u8("evicted");
      long since = in.varint("since");
      if (evicted > 1 || since < 1 || since > epoch) {
        throw new WireFormatException("no standing of " + region + " in epoch " + epoch);
      }
      changed.put(region, new Standing(evicted == 1, since));
    }
    if (epoch < 0) {
      throw new WireFormatException("an epoch must be >= 0, was " + epoch);
    }
    return new Configuration(epoch, changed);
  }
}
