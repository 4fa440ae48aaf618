package io.metafabric.core.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.access.AccessSummary;
import io.metafabric.core.codec.AnyRecords;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.PrefixedKeys;
import io.metafabric.core.codec.SummaryCodec;
import io.metafabric.core.digest.LiveDots;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.place.Configuration;
import io.metafabric.core.place.Homes;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.IntFunction;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class FrameCodecTest {
  private static final RegionName EU = new RegionName("eu");
  private static final RegionName US = new RegionName("us");
  private static final ActorId ACTOR = new ActorId(0x11);
  private static final ActorId OTHER = new ActorId(0x22);

  private static MetadataRecord record(String key, long counter, String payload) {
    var version = new Version(new Dot(ACTOR, counter), VersionVector.EMPTY, new Stamp(5));
    if (payload == null) {
      return new MetadataRecord(Key.of(key), Header.tombstone(version, EU), null);
    }
    Bytes bytes = Bytes.utf8(payload);
    return new MetadataRecord(Key.of(key), Header.value(version, EU, bytes, Header.NEVER), bytes);
  }

  /** A header without payload, that expires and has seen a write of its actor. */
  private static MetadataRecord newer() {
    var version =
        new Version(new Dot(ACTOR, 9), VersionVector.of(new Dot(ACTOR, 3)), new Stamp(70));
    Header header = Header.value(version, EU, Bytes.utf8("x"), 1000);
    return new MetadataRecord(Key.of("n/25"), header, null);
  }

  /**
   * One instance of each frame, and the bytes that it must have for ever: length, checksum, type
   * with flags, body. Of those that protocol version 1 has, and of all.
   */
  private static Map<Frame, String> golden() {
    Map<Frame, String> golden = goldenOfVersion1();
    golden.put(
        new Frame.CutOff(Refusal.CERTIFICATE, "no"), "00000006" + "888b9faa" + "1900" + "0b026e6f");
    golden.put(
        new Frame.Standing(
            128, 300, new TreeMap<>(Map.of(US, 7L)), true, VersionVector.of(new Dot(ACTOR, 300))),
        "00000018"
            + "a909f79f"
            + "1a00"
            + "800101ac02"
            + "010275730701"
            + "010000000000000011ac02");
    golden.put(
        new Frame.Standing(1, Frame.Standing.UNKNOWN, new TreeMap<>(), false, VersionVector.EMPTY),
        "00000008" + "372d2eb3" + "1a00" + "010000000000");
    golden.put(
        new Frame.Deltas(
            new Frame.Changes(
                ACTOR, 1, 9, List.of(record("n/1", 2, "abc"), record("n/2", 4, null), newer())),
            List.of(new Frame.Delta(9, new Dot(ACTOR, 3), 0x01020304, Bytes.utf8("de")))),
        "0000003f"
            + "bf8ac674"
            + "1b00"
            + "0000000000000011010903"
            + "1400036e2f31010a02657503364b3fb7616263"
            + "190201320200"
            + "2a0301350582010601a93c5f93e807"
            + "01"
            + "080601020304026465");
    golden.put(
        new Frame.Deltas(
            new Frame.Changes(ACTOR, 1, 9, List.of(newer())),
            List.of(new Frame.Delta(9, new Dot(OTHER, 300), -2, Bytes.utf8("d")))),
        "00000035"
            + "8b14f62c"
            + "1b00"
            + "0000000000000011010901"
            + "2200046e2f3235088c010602657501a93c5f93e807"
            + "01"
            + "08000000000000000022ac02fffffffe0164");
    golden.put(
        new Frame.Reads(List.of(new Frame.Reading(Key.of("n/1"), 300))),
        "00000009" + "c3015f2d" + "1d00" + "01036e2f31ac02");
    golden.put(
        new Frame.Copies(Key.of("n/1"), new TreeMap<>(Map.of(US, 7L, EU, 300L))),
        "00000010" + "381dc148" + "2900" + "036e2f3102026575ac0202757307");
    golden.put(
        new Frame.Summary(
            300,
            new AccessSummary(
                true,
                List.of(Key.of("n/1"), Key.of("n/25"), Key.of("m/1")),
                List.of(
                    new AccessSummary.Run(0x01020304, List.of(0, 1, 0)),
                    new AccessSummary.Run(-2, List.of(1))),
                List.of(new AccessSummary.More(0, 300), new AccessSummary.More(2, 1)))),
        "00000029"
            + "3eef72ef"
            + "2500"
            + "ac02"
            + "01"
            + "0300036e2f310202323500036d2f31"
            + "020102030403000003fffffffe0102"
            + "0200ac020101");
    golden.put(
        new Frame.Summary(1, new AccessSummary(false, List.of(), List.of(), List.of())),
        "00000007" + "73976f65" + "2500" + "0100000000");
    golden.put(
        new Frame.NoBase(List.of(Key.of("n/1"))), "00000007" + "0320de8e" + "1c00" + "01036e2f31");
    golden.put(
        new Frame.Deltas(
            new Frame.Changes(ACTOR, 1, 9, List.of(newer())),
            List.of(),
            List.of(new Frame.Told(9, 300, Bytes.utf8("told")))),
        "0000002c"
            + "118b09a5"
            + "2700"
            + "0000000000000011010901"
            + "2200046e2f3235088c010602657501a93c5f93e807"
            + "00"
            + "0108ac0204746f6c64");
    golden.put(
        new Frame.Dictionary(15, 300, Bytes.utf8("in common")),
        "0000000f" + "389c763e" + "2600" + "0fac0209696e20636f6d6d6f6e");
    golden.put(
        new Frame.NoDictionary(List.of(1L, 300L)), "00000006" + "1e13088f" + "2800" + "0201ac02");
    golden.put(
        new Frame.Part(new Frame.Changes(ACTOR, 1, 9, List.of(newer()))),
        "00000022"
            + "cc0ae7eb"
            + "2300"
            + "0000000000000011010901"
            + "2200046e2f3235088c010602657501a93c5f93e807");
    golden.put(
        new Frame.Whole(VersionVector.of(new Dot(ACTOR, 300))),
        "0000000d" + "8d42adab" + "2400" + "010000000000000011ac02");
    golden.put(
        new Frame.ShadowRequest(
            128, ShadowVerb.CLAIM, Key.of("n/1"), ShadowReason.FIRST_READ, 3, 300, null),
        "0000000e" + "dd465e08" + "2000" + "800102036e2f310203ac0200");
    golden.put(
        new Frame.ShadowRequest(
            1, ShadowVerb.END, Key.of("n/1"), ShadowReason.REQUESTED, 0, 0, new Dot(ACTOR, 300)),
        "00000016" + "311a1272" + "2000" + "0103036e2f31010000010000000000000011ac02");
    golden.put(
        new Frame.HoldShadow(128, record("n/1", 9, "x"), ShadowReason.REQUESTED, 3, 300),
        "00000029"
            + "bd65ea2e"
            + "2100"
            + "8001036e2f310000000000000000110900000000000000050002657501a93c5f9301780103ac02");
    golden.put(
        new Frame.ShadowReply(
            128,
            List.of(
                new Frame.ShadowAnswer(EU, MoveOutcome.NOT_FOUND, "no", null),
                new Frame.ShadowAnswer(
                    US,
                    MoveOutcome.DONE,
                    "",
                    new Frame.ShadowFacts(
                        new Dot(ACTOR, 300), ShadowReason.PREDICTED, 300, 7, 2)))),
        "00000022"
            + "23859b1a"
            + "2200"
            + "80010202657502026e6f000275730000010000000000000011ac0203ac020702");
    return golden;
  }

  private static Map<Frame, String> goldenOfVersion1() {
    var golden = new LinkedHashMap<Frame, String>();
    golden.put(
        new Frame.Hello(
            1,
            2,
            "c",
            EU,
            9,
            ACTOR,
            List.of(EU, US),
            300,
            new TreeMap<>(Map.of("c", "siblings")),
            new Frame.Belonging(
                new TreeMap<>(Map.of("c", new Homes(EU, US))),
                Configuration.INITIAL.without(US).readmitting(US),
                2)),
        "00000040"
            + "e19b4804"
            + "0100"
            + "010201630265750000000000000009000000000000001102026575027573ac02"
            + "010163087369626c696e6773"
            + "010163026575"
            + "01027573"
            + "0201027573"
            + "000202");
    golden.put(
        new Frame.Configured(
            Configuration.INITIAL.without(US),
            new TreeMap<>(Map.of(US, VersionVector.of(new Dot(ACTOR, 300))))),
        "00000018"
            + "42f98975"
            + "1600"
            + "0101027573"
            + "0101"
            + "01027573"
            + "010000000000000011ac02");
    golden.put(
        new Frame.Welcome(1, "c", US, 10, VersionVector.of(new Dot(ACTOR, 300))),
        "0000001b" + "55e5ddbf" + "0200" + "010163027573000000000000000a010000000000000011ac02");
    golden.put(
        new Frame.Refuse(Refusal.REGIONS, "no"), "00000006" + "1c49cc64" + "0300" + "04026e6f");
    golden.put(
        new Frame.Heartbeat(128, 9, new Frame.Backlog(false, true, true, 7, 300)),
        "00000012" + "2359c6ff" + "0400" + "8001" + "0000000000000009" + "000101" + "07" + "ac02");
    golden.put(
        new Frame.HeartbeatReply(128, -2),
        "0000000c" + "67d3f68f" + "0500" + "8001" + "fffffffffffffffe");
    golden.put(
        new Frame.Changes(
            ACTOR, 1, 9, List.of(record("n/1", 2, "abc"), record("n/2", 4, null), newer())),
        "00000035"
            + "63837cec"
            + "0600"
            + "0000000000000011010903"
            + "1400036e2f31010a02657503364b3fb7616263"
            + "190201320200"
            + "2a0301350582010601a93c5f93e807");
    golden.put(
        new Frame.Ack(ACTOR, 4, true), "0000000c" + "d43794e6" + "0700" + "00000000000000110401");
    golden.put(
        new Frame.Fetch(
            7,
            true,
            List.of(
                new Frame.Wanted(Key.of("n/1"), new Dot(ACTOR, 2)),
                new Frame.Wanted(Key.of("n/2"), null))),
        "00000018" + "e3f499be" + "0800" + "070102036e2f3101000000000000001102036e2f3200");
    golden.put(
        new Frame.FetchReply(8, List.of(new Frame.Answer.Superseded(record("n/1", 2, "abc")))),
        "00000028"
            + "ffec8d10"
            + "0900"
            + "080104036e2f310000000000000000110200000000000000050002657503364b3fb701616263");
    golden.put(
        new Frame.FetchReply(
            7,
            List.of(
                new Frame.Answer.Found(record("n/1", 2, "abc")),
                new Frame.Answer.NotHeld(Key.of("n/2")),
                new Frame.Answer.Unknown(Key.of("n/3")))),
        "00000032"
            + "cb49addb"
            + "0900"
            + "070301036e2f310000000000000000110200000000000000050002657503364b"
            + "3fb70161626302036e2f3203036e2f33");
    golden.put(
        new Frame.Hurry(300, Key.of("n/1")), "00000008" + "3eb3f63a" + "1700" + "ac02036e2f31");
    golden.put(
        new Frame.Forget(7, List.of(Key.of("n/1"), Key.of("n/2"))),
        "0000000c" + "a64b2ef3" + "1800" + "0702036e2f31036e2f32");
    golden.put(
        new Frame.Push(List.of(record("n/1", 2, "abc"))),
        "00000026"
            + "e6b7cd66"
            + "0a00"
            + "01036e2f310000000000000000110200000000000000050002657503364b3fb7"
            + "01616263");
    golden.put(
        new Frame.NotHolding(List.of(Key.of("n/1"))),
        "00000007" + "829e94a1" + "0b00" + "01036e2f31");
    golden.put(
        new Frame.MoveHome(7, Key.of("n/1"), US),
        "0000000a" + "acc609ac" + "1300" + "07036e2f31027573");
    golden.put(
        new Frame.Hold(7, record("n/1", 2, "abc")),
        "00000026"
            + "fa3fd7f9"
            + "1400"
            + "07036e2f310000000000000000110200000000000000050002657503364b3fb701616263");
    golden.put(
        new Frame.Done(7, MoveOutcome.NOT_HOME, "no"),
        "00000007" + "9b4897e9" + "1500" + "0701026e6f");
    golden.put(new Frame.Credit(1 << 20, true), "00000006" + "5122a899" + "0c00" + "80804001");
    golden.put(
        new Frame.Compare(7, 5, 8, List.of(family(3), family(15))),
        "0000008f"
            + "7660b874"
            + "0e00"
            + "0700000000000000050802030000000000000001000000020000000300000004"
            + "00000005000000060000000700000008000000090000000a0000000b0000000c"
            + "0000000d0000000e0000000f0b00000000000000010000000200000003000000"
            + "0400000005000000060000000700000008000000090000000a0000000b000000"
            + "0c0000000d0000000e0000000f");
    golden.put(
        new Frame.Compared(
            7, 300, List.of(new Frame.Differing(3, 0x8001), new Frame.Differing(15, 0x10))),
        "0000000c" + "65ebfded" + "0f00" + "07ac02020380010b0010");
    golden.put(
        new Frame.Dots(
            7,
            12,
            List.of(
                new Frame.Below(3, List.of(new Dot(ACTOR, 2), new Dot(OTHER, 300))),
                new Frame.Below(4, List.of()))),
        "0000001f"
            + "5b899000"
            + "1000"
            + "070c0200000000000000110000000000000022020302000201ac020000");
    golden.put(
        new Frame.Repair(7, 1, true, List.of(new Dot(OTHER, 3)), List.of(record("n/1", 2, "abc"))),
        "00000035"
            + "ce9545cd"
            + "1100"
            + "07010101000000000000002201000301036e2f31000000000000000011020000"
            + "0000000000050002657503364b3fb701616263");
    return golden;
  }

  private static Frame.Family family(int parent) {
    var digests = new ByteWriter(64);
    for (int i = 0; i < 16; i++) {
      digests.i32(i);
    }
    return new Frame.Family(parent, Bytes.copyOf(digests.toArray()));
  }

  private static Frame deltas(Frame changes, Dot otherBase, List<byte[]> bytes) {
    var whole = (Frame.Changes) changes;
    var records = new ArrayList<MetadataRecord>();
    var deltas = new ArrayList<Frame.Delta>();
    var byDictionary = new ArrayList<Frame.Told>();
    for (MetadataRecord record : whole.records()) {
      boolean told = record.header().kind() == Header.Kind.VALUE && deltas.size() < bytes.size();
      long counter = record.header().version().dot().counter();
      if (told && counter % 3 == 0) {
        byDictionary.add(new Frame.Told(counter, counter * 50, Bytes.copyOf(bytes.get(0))));
      } else if (told) {
        Dot dot = record.header().version().dot();
        boolean earlier = dot.counter() > 1 && bytes.get(deltas.size()).length % 2 == 0;
        Dot base = earlier ? new Dot(dot.actor(), dot.counter() - 1) : otherBase;
        deltas.add(new Frame.Delta(dot.counter(), base, 7, Bytes.copyOf(bytes.get(deltas.size()))));
      }
      records.add(told ? record.withoutPayload() : record);
    }
    return deltas.isEmpty() && byDictionary.isEmpty()
        ? whole
        : new Frame.Deltas(
            new Frame.Changes(whole.actor(), whole.after(), whole.upTo(), records),
            deltas,
            byDictionary);
  }

  static List<Frame> oneOfEach() {
    return List.copyOf(golden().keySet());
  }

  /** What follows the length. */
  private static byte[] body(Frame frame) {
    byte[] whole = FrameCodec.encode(frame);
    assertThat(ByteBuffer.wrap(whole).getInt()).isEqualTo(whole.length - FrameCodec.PREFIX_BYTES);
    return Arrays.copyOfRange(whole, Integer.BYTES, whole.length);
  }

  private static Frame decode(byte[] body) {
    return FrameCodec.decode(ByteBuffer.wrap(body));
  }

  private static byte[] withChecksum(int type, int flags, byte[] rest) {
    var out = new ByteWriter(64);
    out.i32(0).u8(type).u8(flags).bytes(rest);
    out.putI32At(0, out.crc32c(Integer.BYTES));
    return out.toArray();
  }

  private static Arbitrary<Frame.ShadowFacts> shadowFacts() {
    Arbitrary<Long> counters = Arbitraries.longs().greaterOrEqual(0);
    return Combinators.combine(
            AnyRecords.dots(), Arbitraries.of(ShadowReason.class), counters, counters, counters)
        .as(Frame.ShadowFacts::new);
  }

  private record Settings(SortedMap<String, String> rules, Frame.Belonging belonging) {}

  private static Frame hello(
      int min,
      int max,
      String cluster,
      RegionName region,
      long node,
      List<RegionName> regions,
      int maxValueBytes,
      Settings settings) {
    return new Frame.Hello(
        min,
        max,
        cluster,
        region,
        node,
        new ActorId(~node),
        regions,
        maxValueBytes,
        settings.rules(),
        settings.belonging());
  }

  /** Each name takes the region out, or in again. */
  private static Configuration configuration(List<String> steps) {
    Configuration now = Configuration.INITIAL;
    for (String step : steps) {
      var region = new RegionName(step);
      now = now.isMember(region) ? now.without(region) : now.readmitting(region);
    }
    return now;
  }

  @Provide
  Arbitrary<Frame> frames() {
    Arbitrary<Integer> protocols = Arbitraries.integers().greaterOrEqual(0);
    Arbitrary<String> texts = Arbitraries.strings().withCharRange(' ', '\ud7ff').ofMaxLength(300);
    Arbitrary<Long> longs = Arbitraries.longs();
    Arbitrary<Boolean> flags = Arbitraries.of(true, false);
    Arbitrary<List<RegionName>> regions = AnyRecords.regions().list().ofMinSize(1).ofMaxSize(64);
    Arbitrary<List<MetadataRecord>> records = AnyRecords.records().list().ofMaxSize(4);
    Arbitrary<Integer> depths = Arbitraries.integers().between(1, 7).map(level -> 4 * level);
    Arbitrary<Set<Integer>> paths =
        Arbitraries.integers().between(0, (1 << 28) - 1).set().ofMaxSize(6);
    Arbitrary<List<Dot>> dots =
        AnyRecords.dots()
            .set()
            .ofMaxSize(6)
            .map(all -> all.stream().sorted(LiveDots.ORDER).toList());
    Arbitrary<List<Frame.Wanted>> wanted =
        Combinators.combine(AnyRecords.keys(), AnyRecords.dots().injectNull(0.3))
            .as(Frame.Wanted::new)
            .list()
            .ofMaxSize(5);
    Arbitrary<Long> amounts = Arbitraries.longs().greaterOrEqual(0);
    Arbitrary<Frame.Backlog> backlogs =
        Combinators.combine(flags, flags, flags, amounts, amounts).as(Frame.Backlog::new);
    Arbitrary<SortedMap<String, String>> rules =
        Arbitraries.maps(
                Arbitraries.strings().alpha().ofMaxLength(64),
                Arbitraries.strings().alpha().ofMaxLength(128))
            .ofMaxSize(5)
            .map(TreeMap::new);
    Arbitrary<Configuration> configurations =
        Arbitraries.of("ap", "eu", "us").list().ofMaxSize(5).map(FrameCodecTest::configuration);
    Arbitrary<Homes> homes =
        Combinators.combine(AnyRecords.regions(), AnyRecords.regions().injectNull(0.3))
            .as(Homes::new);
    Arbitrary<Frame.Belonging> belongings =
        Combinators.combine(
                Arbitraries.maps(Arbitraries.strings().alpha().ofMaxLength(64), homes).ofMaxSize(5),
                configurations,
                Arbitraries.longs().greaterOrEqual(0))
            .as(
                (fixed, configuration, at) ->
                    new Frame.Belonging(new TreeMap<>(fixed), configuration, at));
    Arbitrary<SortedMap<RegionName, VersionVector>> applied =
        Arbitraries.maps(AnyRecords.regions(), AnyRecords.vectors()).ofMaxSize(4).map(TreeMap::new);
    Arbitrary<Frame.Answer> found = AnyRecords.recordsWithSiblings().map(Frame.Answer.Found::new);
    Arbitrary<Frame.Answer> notHeld = AnyRecords.keys().map(Frame.Answer.NotHeld::new);
    Arbitrary<Frame.Answer> superseded = AnyRecords.records().map(Frame.Answer.Superseded::new);
    Arbitrary<Frame.Answer> unknown = AnyRecords.keys().map(Frame.Answer.Unknown::new);
    return Arbitraries.oneOf(
            List.of(
                Combinators.combine(
                        protocols,
                        protocols,
                        texts,
                        AnyRecords.regions(),
                        longs,
                        regions,
                        Arbitraries.integers().greaterOrEqual(1),
                        Combinators.combine(rules, belongings).as(Settings::new))
                    .as(FrameCodecTest::hello),
                Combinators.combine(configurations, applied).as(Frame.Configured::new),
                Combinators.combine(
                        protocols, texts, AnyRecords.regions(), longs, AnyRecords.vectors())
                    .as(Frame.Welcome::new),
                Combinators.combine(Arbitraries.of(Refusal.class), texts).as(Frame.Refuse::new),
                Combinators.combine(longs, longs, backlogs).as(Frame.Heartbeat::new),
                Combinators.combine(longs, longs).as(Frame.HeartbeatReply::new),
                Combinators.combine(
                        longs,
                        Arbitraries.longs().greaterOrEqual(Frame.Standing.UNKNOWN),
                        Arbitraries.maps(
                                AnyRecords.regions(), Arbitraries.longs().greaterOrEqual(0))
                            .ofMaxSize(3)
                            .map(TreeMap::new),
                        flags,
                        AnyRecords.vectors())
                    .as(Frame.Standing::new),
                Combinators.combine(
                        AnyRecords.actors(), Arbitraries.longs().between(0, 1000), records)
                    .as(FrameCodecTest::changes),
                Combinators.combine(
                        Combinators.combine(
                                AnyRecords.actors(), Arbitraries.longs().between(0, 1000), records)
                            .as(FrameCodecTest::changes),
                        AnyRecords.dots(),
                        Arbitraries.bytes()
                            .array(byte[].class)
                            .ofMinSize(1)
                            .ofMaxSize(20)
                            .list()
                            .ofMinSize(1)
                            .ofMaxSize(3))
                    .as(FrameCodecTest::deltas),
                AnyRecords.keys().list().ofMaxSize(5).map(Frame.NoBase::new),
                Combinators.combine(
                        Arbitraries.integers().between(0, Frame.Dictionary.PLACES - 1),
                        Arbitraries.longs().greaterOrEqual(1),
                        Arbitraries.bytes()
                            .array(byte[].class)
                            .ofMinSize(1)
                            .ofMaxSize(Frame.Dictionary.MAX_BYTES)
                            .map(Bytes::copyOf))
                    .as(Frame.Dictionary::new),
                Arbitraries.longs()
                    .greaterOrEqual(1)
                    .list()
                    .ofMaxSize(5)
                    .map(Frame.NoDictionary::new),
                Combinators.combine(
                        AnyRecords.actors(), Arbitraries.longs().between(0, 1000), records)
                    .as(FrameCodecTest::changes)
                    .map(frame -> new Frame.Part((Frame.Changes) frame)),
                AnyRecords.vectors().map(Frame.Whole::new),
                Combinators.combine(amounts, summaries()).as(Frame.Summary::new),
                Combinators.combine(AnyRecords.keys(), amounts)
                    .as(Frame.Reading::new)
                    .list()
                    .ofMaxSize(4)
                    .map(Frame.Reads::new),
                Combinators.combine(
                        AnyRecords.keys(),
                        Arbitraries.maps(
                                AnyRecords.regions(), Arbitraries.longs().greaterOrEqual(0))
                            .ofMaxSize(4)
                            .map(TreeMap::new))
                    .as(Frame.Copies::new),
                Combinators.combine(
                        AnyRecords.actors(), Arbitraries.longs().greaterOrEqual(0), flags)
                    .as(Frame.Ack::new),
                Combinators.combine(longs, flags, wanted).as(Frame.Fetch::new),
                Combinators.combine(
                        longs,
                        Arbitraries.oneOf(found, notHeld, unknown, superseded).list().ofMaxSize(5))
                    .as(Frame.FetchReply::new),
                records.map(Frame.Push::new),
                AnyRecords.keys().list().ofMaxSize(5).map(Frame.NotHolding::new),
                Combinators.combine(longs, AnyRecords.keys(), AnyRecords.regions())
                    .as(Frame.MoveHome::new),
                Combinators.combine(longs, AnyRecords.records()).as(Frame.Hold::new),
                Combinators.combine(
                        longs,
                        Arbitraries.of(ShadowVerb.class),
                        AnyRecords.keys(),
                        Arbitraries.of(ShadowReason.class),
                        Arbitraries.integers().between(0, FrameCodec.MAX_REGIONS),
                        Arbitraries.longs().greaterOrEqual(0),
                        AnyRecords.dots().injectNull(0.3))
                    .as(Frame.ShadowRequest::new),
                Combinators.combine(
                        longs,
                        AnyRecords.records(),
                        Arbitraries.of(ShadowReason.class),
                        Arbitraries.integers().between(0, FrameCodec.MAX_REGIONS),
                        Arbitraries.longs().greaterOrEqual(0))
                    .as(Frame.HoldShadow::new),
                Combinators.combine(
                        longs,
                        Combinators.combine(
                                AnyRecords.regions(),
                                Arbitraries.of(MoveOutcome.class),
                                texts,
                                shadowFacts().injectNull(0.5))
                            .as(Frame.ShadowAnswer::new)
                            .list()
                            .ofMaxSize(5))
                    .as(Frame.ShadowReply::new),
                Combinators.combine(longs, AnyRecords.keys()).as(Frame.Hurry::new),
                Combinators.combine(longs, AnyRecords.keys().list().ofMaxSize(5))
                    .as(Frame.Forget::new),
                Combinators.combine(longs, Arbitraries.of(MoveOutcome.class), texts)
                    .as(Frame.Done::new),
                Combinators.combine(Arbitraries.integers().greaterOrEqual(0), flags)
                    .as(Frame.Credit::new),
                Combinators.combine(longs, longs, depths, paths)
                    .as(
                        (request, salt, depth, parents) ->
                            new Frame.Compare(
                                request,
                                salt,
                                depth,
                                within(depth - 4, parents, FrameCodecTest::family))),
                Combinators.combine(longs, Arbitraries.longs().greaterOrEqual(0), paths)
                    .as(
                        (request, keys, parents) ->
                            new Frame.Compared(
                                request,
                                keys,
                                within(
                                    24,
                                    parents,
                                    parent -> new Frame.Differing(parent, 1 + (parent & 0x7fff))))),
                Combinators.combine(longs, depths, paths, dots)
                    .as(
                        (request, depth, prefixes, below) ->
                            new Frame.Dots(
                                request,
                                depth,
                                within(depth, prefixes, prefix -> new Frame.Below(prefix, below)))),
                Combinators.combine(
                        longs, Arbitraries.integers().greaterOrEqual(0), flags, dots, records)
                    .as(Frame.Repair::new)))
        .withoutEdgeCases();
  }

  private static <T> List<T> within(int depth, Set<Integer> paths, IntFunction<T> item) {
    return paths.stream()
        .map(path -> path & ((1 << depth) - 1))
        .distinct()
        .sorted()
        .map(item::apply)
        .toList();
  }

  /** The records, rewritten to follow each other with gaps. */
  private static Frame changes(ActorId actor, long after, List<MetadataRecord> records) {
    var ordered = new ArrayList<MetadataRecord>();
    long counter = after;
    for (MetadataRecord record : records) {
      counter += 1 + ordered.size();
      Version version = record.header().version();
      var dot = new Dot(actor, counter);
      VersionVector context =
          version.context().contains(dot) ? VersionVector.EMPTY : version.context();
      ordered.add(
          record.withHeader(
              record.header().withVersion(new Version(dot, context, version.stamp()))));
    }
    return new Frame.Changes(actor, after, counter + 3, ordered);
  }

  @Property
  void aFrameComesBackAsItWent(@ForAll("frames") Frame frame) {
    assertThat(decode(body(frame))).isEqualTo(frame);
  }

  @Property(tries = 300)
  void aFrameThatIsCutShort_failsTyped_whereverItIsCut(@ForAll("frames") Frame frame) {
    byte[] body = body(frame);
    for (int length = 0; length < body.length; length++) {
      byte[] cut = Arrays.copyOf(body, length);
      assertThatThrownBy(() -> decode(cut)).isInstanceOf(WireFormatException.class);
    }
  }

  @Property(tries = 300)
  void aFrameThatIsCutShortAndHasAGoodChecksum_failsTypedAsWell(@ForAll("frames") Frame frame) {
    byte[] body = body(frame);
    for (int length = 6; length < body.length; length++) {
      byte[] cut = withChecksum(body[4], body[5], Arrays.copyOfRange(body, 6, length));
      assertThatThrownBy(() -> decode(cut)).isInstanceOf(WireFormatException.class);
    }
  }

  @ParameterizedTest
  @MethodSource("oneOfEach")
  void everyFlipOfOneByte_failsTyped(Frame frame) {
    byte[] body = body(frame);
    for (int at = 0; at < body.length; at++) {
      for (int flip = 1; flip < 256; flip++) {
        byte[] damaged = body.clone();
        damaged[at] ^= (byte) flip;
        assertThatThrownBy(() -> decode(damaged)).isInstanceOf(WireFormatException.class);
      }
    }
  }

  @Property
  void aDamagedFrameWithAGoodChecksum_failsTyped_orIsAnotherFrame(
      @ForAll("frames") Frame frame,
      @ForAll @IntRange(max = 10_000) int at,
      @ForAll @IntRange(min = 1, max = 255) int flip) {
    byte[] body = body(frame);
    body[4 + at % (body.length - 4)] ^= (byte) flip;
    decodesOrFailsTyped(withChecksum(body[4], body[5], Arrays.copyOfRange(body, 6, body.length)));
  }

  @Property
  void anyBytes_failTyped(@ForAll byte[] bytes) {
    decodesOrFailsTyped(bytes);
  }

  @Property(tries = 5_000)
  void anyBytesWithAGoodChecksum_failTyped_orAreAFrame(
      @ForAll @IntRange(max = 41) int type, @ForAll byte[] rest) {
    decodesOrFailsTyped(withChecksum(type, 0, rest));
  }

  private static void decodesOrFailsTyped(byte[] body) {
    Frame frame;
    try {
      frame = decode(body);
    } catch (WireFormatException e) {
      return;
    }
    if (frame != null) {
      assertThat(body(frame)).as("there is one form only").isEqualTo(body);
    }
  }

  @Test
  void theBytesAreThoseOfTheProtocol() {
    golden()
        .forEach(
            (frame, hex) ->
                assertThat(HexFormat.of().formatHex(FrameCodec.encode(frame)))
                    .as(frame.toString())
                    .isEqualTo(hex));
  }

  @Test
  void eachFrameSaysWhichVersionBroughtIt() {
    assertThat(goldenOfVersion1().keySet()).allMatch(frame -> frame.since() == 1);
    assertThat(oneOfEach())
        .filteredOn(frame -> frame.since() > 1)
        .allMatch(
            frame ->
                frame.since() == 2
                    ? frame instanceof Frame.CutOff || frame instanceof Frame.Standing
                    : frame instanceof Frame.ShadowRequest
                        || frame instanceof Frame.HoldShadow
                        || frame instanceof Frame.ShadowReply
                        || frame instanceof Frame.Deltas
                        || frame instanceof Frame.NoBase
                        || frame instanceof Frame.Dictionary
                        || frame instanceof Frame.NoDictionary
                        || frame instanceof Frame.Part
                        || frame instanceof Frame.Whole
                        || frame instanceof Frame.Summary
                        || frame instanceof Frame.Copies
                        || frame instanceof Frame.Reads);
    assertThat(oneOfEach())
        .hasAtLeastOneElementOfType(Frame.CutOff.class)
        .hasAtLeastOneElementOfType(Frame.Standing.class)
        .hasAtLeastOneElementOfType(Frame.Deltas.class)
        .hasAtLeastOneElementOfType(Frame.NoBase.class)
        .hasAtLeastOneElementOfType(Frame.Dictionary.class)
        .hasAtLeastOneElementOfType(Frame.NoDictionary.class)
        .hasAtLeastOneElementOfType(Frame.Part.class)
        .hasAtLeastOneElementOfType(Frame.Whole.class)
        .hasAtLeastOneElementOfType(Frame.Summary.class)
        .hasAtLeastOneElementOfType(Frame.Copies.class)
        .hasAtLeastOneElementOfType(Frame.Reads.class);
  }

  /** Of at least two keys, so that a client can go on from one to the other. */
  private static Arbitrary<AccessSummary> summaries() {
    return AnyRecords.keys()
        .filter(key -> !key.isSystem())
        .list()
        .uniqueElements()
        .ofMinSize(2)
        .ofMaxSize(4)
        .flatMap(FrameCodecTest::summaries);
  }

  private static Arbitrary<AccessSummary> summaries(List<Key> keys) {
    Arbitrary<AccessSummary.Run> runs =
        Combinators.combine(
                Arbitraries.integers(),
                Arbitraries.integers()
                    .between(0, keys.size() - 1)
                    .list()
                    .ofMinSize(1)
                    .ofMaxSize(6)
                    .map(FrameCodecTest::withoutRepetition))
            .as(AccessSummary.Run::new);
    Arbitrary<List<AccessSummary.More>> more =
        Combinators.combine(
                Arbitraries.integers().between(0, keys.size() - 1).set().ofMaxSize(keys.size()),
                Arbitraries.longs().between(1, AccessSummary.MAX_READS))
            .as(
                (numbers, reads) ->
                    numbers.stream()
                        .sorted()
                        .map(number -> new AccessSummary.More(number, reads))
                        .toList());
    return Combinators.combine(Arbitraries.of(true, false), runs.list().ofMaxSize(3), more)
        .as((whole, all, further) -> new AccessSummary(whole, keys, all, further));
  }

  private static List<Integer> withoutRepetition(List<Integer> numbers) {
    var reads = new ArrayList<Integer>();
    for (int number : numbers) {
      if (reads.isEmpty() || reads.get(reads.size() - 1) != number) {
        reads.add(number);
      }
    }
    return reads;
  }

  @Test
  void aSummaryThatSaysWhatCannotBe_isRefused() {
    assertThatThrownBy(() -> summary("00" + "00" + "00"))
        .as("cut short")
        .isInstanceOf(WireFormatException.class);
    assertThatThrownBy(() -> summary("02" + "00" + "00" + "00"))
        .hasMessageContaining("whole must be 0 or 1");
    assertThatThrownBy(() -> summary("00" + "ffffffff07" + "00" + "00"))
        .as("more keys than there are bytes")
        .isInstanceOf(WireFormatException.class);
    assertThatThrownBy(() -> summary("00" + "01" + "0005" + "7e682f2f31" + "00" + "00"))
        .hasMessageContaining("nobody reads ~h//1");
    String one = "00" + "01" + "0003" + "6e2f31";
    assertThatThrownBy(() -> summary(one + "01" + "00000001" + "01" + "02" + "00"))
        .hasMessageContaining("a read of key 1 behind -1");
    assertThatThrownBy(() -> summary(one + "01" + "00000001" + "02" + "0001" + "00"))
        .as("twice in succession")
        .hasMessageContaining("a read of key 0 behind 0");
    assertThatThrownBy(() -> summary(one + "01" + "00000001" + "00" + "00" + "00"))
        .as("a run of none")
        .isInstanceOf(WireFormatException.class);
    assertThatThrownBy(() -> summary(one + "00" + "01" + "0000"))
        .hasMessageContaining("0 further reads of key 0");
    assertThatThrownBy(() -> summary(one + "00" + "01" + "00" + "818080808020"))
        .hasMessageContaining("1099511627777 further reads of key 0");
    assertThat(summary(one + "00" + "01" + "0001")).isInstanceOf(Frame.Summary.class);
  }

  @Test
  void copiesInNoOrder_orOfMoreRegionsThanThereMayBe_orForLessThanNothing_areRefused() {
    String key = "036e2f31";
    assertThat(copies(key + "02" + "02657507" + "02757307")).isNotNull();
    assertThatThrownBy(() -> copies(key + "02" + "02757307" + "02657507"))
        .hasMessageContaining("not in order");
    assertThatThrownBy(() -> copies(key + "02" + "02657507" + "02657507"))
        .hasMessageContaining("not in order");
    assertThatThrownBy(() -> copies(key + "01" + "026575" + "ffffffffffffffffff01"))
        .hasMessageContaining("time left");
    var many = new StringBuilder(key + "41");
    for (int i = 0; i <= FrameCodec.MAX_REGIONS; i++) {
      many.append(String.format("0272%02x07", 0x20 + i));
    }
    assertThatThrownBy(() -> copies(many.toString())).isInstanceOf(WireFormatException.class);
    assertThatThrownBy(() -> copies(key + "02" + "02657507"))
        .isInstanceOf(WireFormatException.class);
  }

  private static Frame copies(String hex) {
    return decode(withChecksum(41, 0, HexFormat.of().parseHex(hex)));
  }

  private static Frame summary(String hex) {
    return decode(withChecksum(37, 0, HexFormat.of().parseHex("01" + hex)));
  }

  @Test
  void theKeysOfASummary_takeNoMoreThanTheirBound_howeverShortTheyAreTold() {
    var out = new ByteWriter(1024);
    int keys = SummaryCodec.MAX_TEXT_BYTES / Key.MAX_BYTES + 1;
    out.varint(1).u8(0).varint(keys);
    var prefixes = new PrefixedKeys();
    for (int i = 0; i < keys; i++) {
      prefixes.write(out, Key.of("n/" + "x".repeat(Key.MAX_BYTES - 5) + (100 + i)));
    }
    out.varint(0).varint(0);

    assertThat(out.length()).isLessThan(8 << 10);
    assertThatThrownBy(() -> decode(withChecksum(37, 0, out.toArray())))
        .hasMessageContaining("take more than");
  }

  @Test
  void aSummaryThatIsTooLarge_isRefused() {
    var out = new ByteWriter(1024);
    out.varint(1).u8(0).varint(1);
    new PrefixedKeys().write(out, Key.of("n/1"));
    out.bytes(new byte[SummaryCodec.MAX_BYTES]);

    assertThatThrownBy(() -> decode(withChecksum(37, 0, out.toArray())))
        .hasMessageContaining("an access summary of");
  }

  @Test
  void aFrameOfAnUnknownType_isSkipped() {
    assertThat(decode(withChecksum(13, 0, new byte[3]))).isNull();
    assertThat(decode(withChecksum(255, 7, new byte[0]))).isNull();
    assertThatThrownBy(() -> decode(withChecksum(0, 0, new byte[0])))
        .isInstanceOf(WireFormatException.class)
        .hasMessageContaining("no frame type 0");
  }

  @Test
  void flagsThatNobodyKnows_areRefused() {
    assertThatThrownBy(() -> decode(withChecksum(5, 1, new byte[] {1})))
        .isInstanceOf(WireFormatException.class)
        .hasMessageContaining("unknown flags 1");
  }

  @Test
  void hugeCounts_allocateNothing() {
    byte[] huge = HexFormat.of().parseHex("ffffffff07");
    for (int type : new int[] {10, 11}) {
      assertThatThrownBy(() -> decode(withChecksum(type, 0, huge)))
          .isInstanceOf(WireFormatException.class);
    }
    byte[] fetch = HexFormat.of().parseHex("0100ffffffff07");
    assertThatThrownBy(() -> decode(withChecksum(8, 0, fetch)))
        .isInstanceOf(WireFormatException.class);
    byte[] reply = HexFormat.of().parseHex("01ffffffff07");
    assertThatThrownBy(() -> decode(withChecksum(9, 0, reply)))
        .isInstanceOf(WireFormatException.class);
  }

  @Test
  void hugeCountsInComparisons_allocateNothing() {
    for (String body :
        List.of(
            "07" + "0000000000000005" + "08" + "ffffffff07", // families
            "07" + "ac02" + "ffffffff07", // families that differ
            "07" + "0c" + "ffffffff07", // actors
            "07" + "0c" + "00" + "ffffffff07", // nodes
            "07" + "0c" + "01" + "0000000000000011" + "01" + "03" + "ffffffff07", // dots
            "07" + "00" + "01" + "00" + "ffffffff07", // wanted
            "07" + "00" + "01" + "00" + "00" + "ffffffff07")) { // records
      int type = body.startsWith("070000") ? 14 : body.startsWith("07ac") ? 15 : 16;
      for (int each : new int[] {type, 17}) {
        byte[] huge = withChecksum(each, 0, HexFormat.of().parseHex(body));
        assertThatThrownBy(() -> decode(huge)).isInstanceOf(WireFormatException.class);
      }
    }
  }

  @Test
  void nodesAndDotsThatAreOutOfPlace_areRefused() {
    for (String body :
        List.of(
            "07" + "0d" + "00" + "00", // no depth
            "07" + "20" + "00" + "00", // too deep
            "07" + "04" + "00" + "01" + "10" + "00", // a path of more bits than the depth
            "07" + "04" + "00" + "02" + "0f" + "00" + "00" + "00", // a second one behind the last
            "07" + "04" + "01" + "0000000000000011" + "00", // an actor that no dot has
            "07" + "04" + "01" + "0000000000000011" + "01" + "00" + "01" + "00" + "00", // counter 0
            "07" + "04" + "01" + "0000000000000011" + "01" + "00" + "01" + "01" + "01", // actor 1
            "07" + "04" + "01" + "0000000000000011" + "01" + "00" + "02" + "0002" + "0002",
            "07"
                + "04"
                + "02"
                + "0000000000000011"
                + "0000000000000011"
                + "01"
                + "00"
                + "02"
                + "0002"
                + "0102")) {
      byte[] wrong = withChecksum(16, 0, HexFormat.of().parseHex(body));
      assertThatThrownBy(() -> decode(wrong)).as(body).isInstanceOf(WireFormatException.class);
    }
  }

  @Test
  void changesThatAreNotInOrder_orBeyondTheirRange_areRefused() {
    MetadataRecord two = record("n/1", 2, "a");
    MetadataRecord three = record("n/2", 3, "b");
    for (Frame.Changes wrong :
        List.of(
            new Frame.Changes(ACTOR, 2, 9, List.of(two)),
            new Frame.Changes(ACTOR, 4, 9, List.of(two)),
            new Frame.Changes(ACTOR, 1, 2, List.of(three)),
            new Frame.Changes(ACTOR, 1, 9, List.of(three, two)),
            new Frame.Changes(ACTOR, 1, 9, List.of(two, two)))) {
      assertThatThrownBy(() -> decode(body(wrong)))
          .as(wrong.toString())
          .isInstanceOf(WireFormatException.class)
          .hasMessageContaining("behind");
    }
  }

  @Test
  void deltasOfChangesThatAreNotThere_orHaveAPayload_orAreOutOfOrder_areRefused() {
    var changes =
        new Frame.Changes(ACTOR, 1, 9, List.of(record("n/1", 2, "a"), record("n/2", 4, null)));
    var lacking = new Frame.Changes(ACTOR, 1, 9, List.of(newer()));
    Bytes bytes = Bytes.utf8("d");
    var good = new Frame.Delta(9, new Dot(ACTOR, 3), 0, bytes);
    assertThat(decode(body(new Frame.Deltas(lacking, List.of(good))))).isNotNull();
    for (Frame.Deltas wrong :
        List.of(
            new Frame.Deltas(lacking, List.of()),
            new Frame.Deltas(changes, List.of(new Frame.Delta(2, good.base(), 0, bytes))),
            new Frame.Deltas(changes, List.of(new Frame.Delta(4, good.base(), 0, bytes))),
            new Frame.Deltas(changes, List.of(new Frame.Delta(3, good.base(), 0, bytes))),
            new Frame.Deltas(lacking, List.of(good, good)),
            new Frame.Deltas(lacking, List.of(new Frame.Delta(9, good.base(), 0, Bytes.EMPTY))))) {
      assertThatThrownBy(() -> decode(body(wrong)))
          .as(wrong.toString())
          .isInstanceOf(WireFormatException.class);
    }
  }

  @Test
  void whatIsToldTwice_orByNothing_andDictionariesOutOfBounds_areRefused() {
    var lacking = new Frame.Changes(ACTOR, 1, 9, List.of(newer()));
    Bytes bytes = Bytes.utf8("d");
    var delta = new Frame.Delta(9, new Dot(ACTOR, 3), 0, bytes);
    var told = new Frame.Told(9, 1, bytes);
    assertThat(decode(body(new Frame.Deltas(lacking, List.of(), List.of(told))))).isNotNull();
    for (Frame wrong :
        List.of(
            new Frame.Deltas(lacking, List.of(delta), List.of(told)),
            new Frame.Deltas(lacking, List.of(), List.of(told, told)),
            new Frame.Deltas(lacking, List.of(), List.of(new Frame.Told(8, 1, bytes))),
            new Frame.Deltas(lacking, List.of(), List.of(new Frame.Told(9, 0, bytes))),
            new Frame.Deltas(lacking, List.of(), List.of(new Frame.Told(9, -1, bytes))),
            new Frame.Deltas(lacking, List.of(), List.of(new Frame.Told(9, 1, Bytes.EMPTY))),
            new Frame.Dictionary(Frame.Dictionary.PLACES, 1, bytes),
            new Frame.Dictionary(-1, 1, bytes),
            new Frame.Dictionary(0, 0, bytes),
            new Frame.Dictionary(0, 1, Bytes.EMPTY),
            new Frame.Dictionary(0, 1, Bytes.copyOf(new byte[Frame.Dictionary.MAX_BYTES + 1])),
            new Frame.NoDictionary(List.of(0L)))) {
      assertThatThrownBy(() -> decode(body(wrong)))
          .as(wrong.toString())
          .isInstanceOf(WireFormatException.class);
    }
  }

  @Test
  void aRefusalThatIsTooLong_isCutBetweenCharacters() {
    for (String character : new String[] {"x", "\u00e9", "\u20ac", "\ud83d\ude00"}) {
      var refusal = new Frame.Refuse(Refusal.REGIONS, "ab" + character.repeat(5000));
      var back = (Frame.Refuse) decode(body(refusal));

      assertThat(refusal.message()).startsWith(back.message());
      assertThat(back.message().getBytes(StandardCharsets.UTF_8).length).isBetween(1021, 1024);
    }
  }

  @Test
  void onlyRecords_andWhatTheyAreToldBy_waitBehindRecords() {
    assertThat(oneOfEach().stream().filter(frame -> !frame.isControl()).map(Object::getClass))
        .containsOnly(
            Frame.Changes.class,
            Frame.Deltas.class,
            Frame.Dictionary.class,
            Frame.Part.class,
            Frame.FetchReply.class,
            Frame.Push.class,
            Frame.Hold.class,
            Frame.HoldShadow.class,
            Frame.Compare.class,
            Frame.Compared.class,
            Frame.Dots.class,
            Frame.Summary.class,
            Frame.Repair.class);
  }
}
