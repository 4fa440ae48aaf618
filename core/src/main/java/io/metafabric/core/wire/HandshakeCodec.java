package io.metafabric.core.wire;

import static io.metafabric.core.wire.FrameCodec.MAX_REGIONS;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.ConfigurationCodec;
import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.conflict.ConflictRule;
import io.metafabric.core.conflict.ConflictRules;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.place.Configuration;
import io.metafabric.core.place.HomeLookup;
import io.metafabric.core.place.Homes;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.VersionVector;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The bodies of frames by which two nodes learn who they are and whether they talk to each other:
 * hello, welcome, refuse, cut off, configured. docs/PROTOCOL.md has the bytes. Stateless.
 */
final class HandshakeCodec {
  private HandshakeCodec() {}

  static void write(ByteWriter out, Frame.Hello hello) {
    out.varint(hello.minProtocol())
        .varint(hello.maxProtocol())
        .text(hello.cluster())
        .text(hello.region().name())
        .i64(hello.nodeId())
        .i64(hello.actor().id())
        .varint(hello.regions().size());
    hello.regions().forEach(region -> RecordCodec.writeRegion(out, region));
    out.varint(hello.maxValueBytes());
    out.varint(hello.conflictRules().size());
    hello.conflictRules().forEach((namespace, rule) -> out.text(namespace).text(rule));
    out.varint(hello.belonging().fixedHomes().size());
    hello
        .belonging()
        .fixedHomes()
        .forEach((namespace, homes) -> writeFixedHomes(out, namespace, homes));
    ConfigurationCodec.write(out, hello.belonging().configuration());
    out.varint(hello.belonging().admitted());
  }

  private static void writeFixedHomes(ByteWriter out, String namespace, Homes homes) {
    out.text(namespace);
    RecordCodec.writeRegion(out, homes.home());
    RegionName backup = homes.backup();
    FrameFields.writeFlag(out, backup != null);
    if (backup != null) {
      RecordCodec.writeRegion(out, backup);
    }
  }

  static Frame.Hello readHello(ByteReader in) {
    return new Frame.Hello(
        in.varint("min protocol", 0, Integer.MAX_VALUE),
        in.varint("max protocol", 0, Integer.MAX_VALUE),
        FrameFields.readText(in, "cluster"),
        RecordCodec.readRegion(in),
        in.i64("node id"),
        new ActorId(in.i64("actor")),
        readRegions(in),
        in.varint("max value bytes", 1, Integer.MAX_VALUE),
        readConflictRules(in),
        readBelonging(in));
  }

  private static List<RegionName> readRegions(ByteReader in) {
    int count = in.varint("regions", 1, MAX_REGIONS);
    var regions = new ArrayList<RegionName>(count);
    for (int i = 0; i < count; i++) {
      regions.add(RecordCodec.readRegion(in));
    }
    return regions;
  }

  private static SortedMap<String, String> readConflictRules(ByteReader in) {
    int count = in.varint("conflict rules", 0, ConflictRules.MAX_NAMESPACES);
    var rules = new TreeMap<String, String>();
    for (int i = 0; i < count; i++) {
      String namespace = in.text("namespace", Key.MAX_NAMESPACE_LENGTH);
      if (!rules.isEmpty() && rules.lastKey().compareTo(namespace) >= 0) {
        throw new WireFormatException("the conflict rules are not in order at " + namespace);
      }
      rules.put(namespace, in.text("conflict rule", 2 * ConflictRule.MAX_NAME_LENGTH));
    }
    return rules;
  }

  private static Frame.Belonging readBelonging(ByteReader in) {
    int count = in.varint("fixed homes", 0, HomeLookup.MAX_FIXED_HOMES);
    var homes = new TreeMap<String, Homes>();
    for (int i = 0; i < count; i++) {
      String namespace = in.text("namespace", Key.MAX_NAMESPACE_LENGTH);
      if (!homes.isEmpty() && homes.lastKey().compareTo(namespace) >= 0) {
        throw new WireFormatException("the fixed homes are not in order at " + namespace);
      }
      RegionName home = RecordCodec.readRegion(in);
      homes.put(
          namespace,
          new Homes(home, FrameFields.readFlag(in, "backup") ? RecordCodec.readRegion(in) : null));
    }
    Configuration configuration = ConfigurationCodec.read(in);
    return new Frame.Belonging(homes, configuration, FrameFields.readCounter(in, "admitted"));
  }

  static void write(ByteWriter out, Frame.Welcome welcome) {
    out.varint(welcome.protocol())
        .text(welcome.cluster())
        .text(welcome.region().name())
        .i64(welcome.nodeId());
    RecordCodec.writeVector(out, welcome.applied());
  }

  static Frame.Welcome readWelcome(ByteReader in) {
    return new Frame.Welcome(
        in.varint("protocol", 0, Integer.MAX_VALUE),
        FrameFields.readText(in, "cluster"),
        RecordCodec.readRegion(in),
        in.i64("node id"),
        RecordCodec.readVector(in));
  }

  static void write(ByteWriter out, Frame.Refuse refuse) {
    out.u8(refuse.reason().code());
    FrameFields.writeMessage(out, refuse.message());
  }

  static Frame.Refuse readRefuse(ByteReader in) {
    return new Frame.Refuse(readRefusal(in), FrameFields.readText(in, "refusal"));
  }

  static void write(ByteWriter out, Frame.CutOff cutOff) {
    out.u8(cutOff.reason().code());
    FrameFields.writeMessage(out, cutOff.message());
  }

  static Frame.CutOff readCutOff(ByteReader in) {
    return new Frame.CutOff(readRefusal(in), FrameFields.readText(in, "why"));
  }

  private static Refusal readRefusal(ByteReader in) {
    int code = in.u8("refusal code");
    for (Refusal refusal : Refusal.values()) {
      if (refusal.code() == code) {
        return refusal;
      }
    }
    throw new WireFormatException("there is no refusal code " + code);
  }

  static void write(ByteWriter out, Frame.Configured configured) {
    ConfigurationCodec.write(out, configured.configuration());
    out.varint(configured.applied().size());
    configured
        .applied()
        .forEach(
            (region, applied) -> {
              RecordCodec.writeRegion(out, region);
              RecordCodec.writeVector(out, applied);
            });
  }

  static Frame.Configured readConfigured(ByteReader in) {
    Configuration configuration = ConfigurationCodec.read(in);
    int count = in.varint("applied regions", 0, MAX_REGIONS);
    var applied = new TreeMap<RegionName, VersionVector>();
    for (int i = 0; i < count; i++) {
      RegionName region = RecordCodec.readRegion(in);
      if (!applied.isEmpty() && applied.lastKey().compareTo(region) >= 0) {
        throw new WireFormatException("what is applied is not in order at " + region);
      }
      applied.put(region, RecordCodec.readVector(in));
    }
    return new Frame.Configured(configuration, applied);
  }
}
