package io.metafabric.core.fuzz;

import io.metafabric.core.access.AccessSummary;
import io.metafabric.core.journal.Compaction;
import io.metafabric.core.journal.FrameLocation;
import io.metafabric.core.journal.FrameTable;
import io.metafabric.core.journal.Journal;
import io.metafabric.core.journal.JournalConfig;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.journal.Liveness;
import io.metafabric.core.journal.Snapshot;
import io.metafabric.core.journal.SnapshotBatchWriter;
import io.metafabric.core.journal.SnapshotToken;
import io.metafabric.core.journal.SnapshotToken.Phase;
import io.metafabric.core.place.Configuration;
import io.metafabric.core.place.Homes;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.MoveOutcome;
import io.metafabric.core.wire.Refusal;
import io.metafabric.core.wire.ShadowReason;
import io.metafabric.core.wire.ShadowVerb;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Good bytes to begin from: a fuzzer that begins with nothing finds nothing. */
final class Samples {
  static final JournalConfig CONFIG = new JournalConfig(4096);
  static final String MARK = "journal.mark";

  private static final ActorId ACTOR = new ActorId(0x0123456789abcdefL);
  private static final RegionName EU = new RegionName("eu");
  private static final RegionName US = new RegionName("us");

  private Samples() {}

  private static MetadataRecord value(String id, int counter, String payload, long expiresAtMs) {
    Bytes bytes = Bytes.utf8(payload);
    return new MetadataRecord(
        Key.of("n/" + id), Header.value(version(counter), EU, bytes, expiresAtMs), bytes);
  }

  private static Version version(int counter) {
    VersionVector context =
        counter % 3 == 0
            ? VersionVector.EMPTY
            : VersionVector.EMPTY.with(new Dot(new ActorId(-5), counter));
    return new Version(new Dot(ACTOR, counter), context, new Stamp(counter));
  }

  static List<MetadataRecord> records() {
    return List.of(
        value("a", 1, "payload", Header.NEVER),
        value("b \u20ac", 2, "", 1_900_000_000_000L),
        value("c", 3, "not here", 7).withoutPayload(),
        new MetadataRecord(Key.of("n/d"), Header.tombstone(version(4), US), null));
  }

  /** Siblings, and what a writer had seen of them alone. */
  static MetadataRecord siblings() {
    MetadataRecord winner = value("s", 9, "payload", Header.NEVER);
    Version seen =
        winner.header().version().withContext(VersionVector.EMPTY.withLone(new Dot(ACTOR, 3)));
    return new MetadataRecord(
        winner.key(),
        winner.header().withVersion(seen),
        winner.payload(),
        List.of(
            new Sibling(value("s", 7, "other", 8).header(), Bytes.utf8("other")),
            new Sibling(Header.tombstone(version(5), US), null)));
  }

  static List<Frame> frames() {
    return List.of(
        new Frame.Hello(
            1,
            2,
            "cluster",
            EU,
            9,
            ACTOR,
            List.of(EU, US),
            1 << 20,
            new TreeMap<>(Map.of("c", "siblings")),
            new Frame.Belonging(
                new TreeMap<>(Map.of("c", new Homes(EU, US))),
                Configuration.INITIAL.without(US).readmitting(US),
                2)),
        new Frame.Configured(
            Configuration.INITIAL.without(US),
            new TreeMap<>(Map.of(US, VersionVector.of(new Dot(ACTOR, 300))))),
        new Frame.Welcome(1, "cluster", US, 10, VersionVector.of(new Dot(ACTOR, 300))),
        new Frame.Refuse(Refusal.REGIONS, "no"),
        new Frame.CutOff(Refusal.VIOLATION, "no"),
        new Frame.Heartbeat(128, 9, new Frame.Backlog(false, true, true, 7, 300)),
        new Frame.HeartbeatReply(128, 9),
        new Frame.Changes(ACTOR, 0, 9, records()),
        new Frame.Deltas(
            new Frame.Changes(ACTOR, 0, 9, List.of(value("9", 8, "told", 0).withoutPayload())),
            List.of(new Frame.Delta(8, new Dot(ACTOR, 3), 7, Bytes.utf8("delta")))),
        new Frame.NoBase(List.of(Key.of("n/1"))),
        new Frame.Deltas(
            new Frame.Changes(ACTOR, 0, 9, List.of(value("9", 8, "told", 0).withoutPayload())),
            List.of(),
            List.of(new Frame.Told(8, 3, Bytes.utf8("by a dictionary")))),
        new Frame.Dictionary(3, 3, Bytes.utf8("dictionary")),
        new Frame.NoDictionary(List.of(3L)),
        new Frame.Part(new Frame.Changes(ACTOR, 0, 9, records())),
        new Frame.Whole(VersionVector.of(new Dot(ACTOR, 300))),
        new Frame.Summary(
            300,
            new AccessSummary(
                true,
                List.of(Key.of("n/1"), Key.of("n/25"), Key.of("m/1")),
                List.of(
                    new AccessSummary.Run(7, List.of(0, 1, 0)),
                    new AccessSummary.Run(-2, List.of(2))),
                List.of(new AccessSummary.More(0, 300), new AccessSummary.More(2, 1)))),
        new Frame.Reads(List.of(new Frame.Reading(Key.of("n/1"), 300))),
        new Frame.Copies(Key.of("n/1"), new TreeMap<>(Map.of(EU, 300L, US, 7L))),
        new Frame.Ack(ACTOR, 4, true),
        new Frame.Fetch(
            7,
            true,
            List.of(
                new Frame.Wanted(Key.of("n/1"), new Dot(ACTOR, 2)),
                new Frame.Wanted(Key.of("n/2"), null))),
        new Frame.FetchReply(
            7,
            List.of(
                new Frame.Answer.Found(records().get(0)),
                new Frame.Answer.Found(siblings()),
                new Frame.Answer.NotHeld(Key.of("n/2")),
                new Frame.Answer.Unknown(Key.of("n/3")),
                new Frame.Answer.Superseded(records().get(1)))),
        new Frame.Push(records()),
        new Frame.NotHolding(List.of(Key.of("n/1"))),
        new Frame.MoveHome(7, Key.of("n/1"), US),
        new Frame.Hold(7, records().get(0)),
        new Frame.Done(7, MoveOutcome.NOT_HOME, "no"),
        new Frame.Credit(1 << 20, true),
        new Frame.Compare(
            7,
            -5,
            12,
            List.of(
                new Frame.Family(3, Bytes.copyOf(new byte[Frame.Family.BYTES])),
                new Frame.Family(255, Bytes.utf8("sixteen digests ".repeat(4))))),
        new Frame.Compared(7, 300, List.of(new Frame.Differing(3, 0x8001))),
        new Frame.Dots(
            7,
            12,
            List.of(
                new Frame.Below(3, List.of(new Dot(ACTOR, 2), new Dot(new ActorId(-5), 300))),
                new Frame.Below(4000, List.of(new Dot(ACTOR, 9))))),
        new Frame.Repair(7, 1, true, List.of(new Dot(ACTOR, 3)), records()),
        new Frame.Hurry(7, Key.of("n/2")),
        new Frame.Forget(7, List.of(Key.of("n/1"), Key.of("n/2"))),
        new Frame.ShadowRequest(
            7, ShadowVerb.END, Key.of("n/1"), ShadowReason.PREDICTED, 3, 900, new Dot(ACTOR, 2)),
        new Frame.HoldShadow(7, records().get(0), ShadowReason.REQUESTED, 3, 900),
        new Frame.ShadowReply(
            7,
            List.of(
                new Frame.ShadowAnswer(EU, MoveOutcome.REFUSED, "no", null),
                new Frame.ShadowAnswer(
                    US,
                    MoveOutcome.DONE,
                    "",
                    new Frame.ShadowFacts(new Dot(ACTOR, 2), ShadowReason.FIRST_READ, 5, 6, 7)))),
        new Frame.Standing(
            128, 300, new TreeMap<>(Map.of(US, 7L)), true, VersionVector.of(new Dot(ACTOR, 300))));
  }

  /** One of each kind, over and over. */
  private static JournalEntry entry(int i) {
    return switch (i % 8) {
      case 0 -> new JournalEntry.Opened(ACTOR, 42, "cluster \u00e9", EU);
      case 1 -> new JournalEntry.Applied(US, new ActorId(77), i);
      case 2 -> new JournalEntry.Closed();
      case 3 -> new JournalEntry.Held(US, ACTOR, 3, 9, List.of(records().get(i % 4), siblings()));
      case 6 ->
          new JournalEntry.Configured(
              Configuration.INITIAL.without(US).readmitting(US), i % 3, true);
      case 5 -> new JournalEntry.Acknowledged(US, ACTOR, i, i / 2, 0, 0);
      case 4 -> new JournalEntry.Stored(records().get(2), new Dot(ACTOR, 2));
      default -> new JournalEntry.Stored(records().get(i % 4));
    };
  }

  private static void append(Journal journal, int from, int to) {
    for (int i = from; i < to; i++) {
      FrameLocation at = journal.append(List.of(entry(i))).get(0);
      if (i % 10 == 9) {
        journal.makeDurable();
      }
      journal.publish(at.position());
    }
  }

  private static Journal open(SimDisk disk) {
    return Journal.open(CONFIG, disk, new FrameTable(), (entry, at) -> {});
  }

  static Map<String, byte[]> files(SimDisk disk) {
    var files = new TreeMap<String, byte[]>();
    disk.list().forEach(name -> files.put(name, disk.contentOf(name)));
    return files;
  }

  /** Two full segments and the beginning of a third, which ends where a process was killed. */
  static Map<String, byte[]> written() {
    var disk = new SimDisk(1);
    Journal journal = open(disk);
    append(journal, 0, 100);
    journal.abandon();
    return files(disk);
  }

  /** Few entries in one segment, closed in order. */
  static Map<String, byte[]> small() {
    var disk = new SimDisk(1);
    Journal journal = open(disk);
    append(journal, 0, 9);
    journal.close();
    return files(disk);
  }

  /** Few entries in one compacted segment. */
  static Map<String, byte[]> smallBackup() {
    return backup(9);
  }

  /** Several compacted segments. */
  static Map<String, byte[]> backup() {
    return backup(100);
  }

  private static Map<String, byte[]> backup(int entries) {
    var target = new SimDisk(1);
    Journal journal = open(new SimDisk(1));
    append(journal, 0, entries);
    Snapshot.write(journal, new TwoOfThree(), target);
    journal.abandon();
    return files(target);
  }

  /** The beginning compacted. */
  static Map<String, byte[]> compacted() {
    var disk = new SimDisk(1);
    compact(disk);
    return files(disk);
  }

  /** The same before the sources were deleted. */
  static Map<String, byte[]> compactedBesideSources() {
    var disk = new SimDisk(1);
    var all = new TreeMap<>(compact(disk));
    all.putAll(files(disk));
    return all;
  }

  /** Returns the files from before. */
  private static Map<String, byte[]> compact(SimDisk disk) {
    Journal journal = open(disk);
    append(journal, 0, 100);
    Map<String, byte[]> before = files(disk);
    Compaction compaction = Compaction.begin(journal, new TwoOfThree(), 90, 0.1, false);
    if (compaction == null) {
      throw new IllegalStateException("nothing to compact");
    }
    boolean more = true;
    while (more) {
      more = compaction.step(1 << 20);
    }
    journal.abandon();
    return before;
  }

  private record TwoOfThree() implements Liveness {
    @Override
    public boolean isForgotten(JournalEntry entry) {
      return false;
    }

    @Override
    public boolean isReplaced(JournalEntry entry) {
      return false;
    }

    @Override
    public JournalEntry kept(JournalEntry entry, long position) {
      return position % 3 == 0 ? null : entry;
    }

    @Override
    public void moved(JournalEntry entry, FrameLocation from, FrameLocation to) {}
  }

  /** All of a snapshot: named records, ordered ones, a batch without any, and the end. */
  static List<byte[]> snapshotBatches() {
    SnapshotToken beginning = SnapshotToken.beginning(42, ACTOR, 7);
    SnapshotToken named = beginning.at(Phase.NAMED, 2, ACTOR, 7);
    SnapshotToken ordered = beginning.at(Phase.ORDERED, 8, ACTOR, 9);
    SnapshotToken ended = beginning.at(Phase.ENDED, 9, new ActorId(78), 9);
    List<MetadataRecord> records = records();
    var batch = new SnapshotBatchWriter(256);
    var batches = new ArrayList<byte[]>();
    batch.begin(beginning);
    batch.addNamed(records.get(0));
    batch.addNamed(records.get(1));
    batches.add(batch.end(named));
    batch.begin(named);
    batch.addNamed(records.get(2));
    batch.addRecord(records.get(0), 4);
    batch.addRecord(records.get(3), 8);
    batches.add(batch.end(ordered));
    batch.begin(ordered);
    batches.add(batch.end(ordered));
    batch.begin(ordered);
    batch.addRecord(records.get(1), 9);
    batch.seal(List.of(new JournalEntry.Applied(US, new ActorId(77), 5)), 9);
    batches.add(batch.end(ended));
    return batches;
  }

  static List<byte[]> segmentsOf(Map<String, byte[]> files) {
    var segments = new ArrayList<byte[]>();
    files.forEach(
        (name, bytes) -> {
          if (!name.equals(MARK)) {
            segments.add(bytes);
          }
        });
    return segments;
  }
}
