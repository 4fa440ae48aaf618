package io.metafabric.museum;

import java.util.List;

/** Of the journal, its files, and copies of it. */
final class DiskBugs {
  private static final String CORE = "core/src/main/java/io/metafabric/core/";

  private DiskBugs() {}

  static List<Exhibit> all() {
    return List.of(
        new Exhibit(
            "acknowledged-before-fsync",
            new Seeds(2),
            new Change(
                CORE + "store/Committer.java",
                "if (waits) {\n        journal.makeDurable();\n      } else {",
                "if (!waits) {")),
        new Exhibit(
            "disk-lies",
            new Seeds(1),
            new Change(
                "core/src/test/java/io/metafabric/core/sim/SimFile.java", "inode.sync();", "")),
        new Exhibit(
            "fsync-again",
            new OneTest("core.journal.JournalTest", "afterAFailedSync_nothingIsAcceptedAnyMore"),
            new Change(CORE + "journal/Journal.java", "throw refuseFromNowOn(e);", "throw e;"),
            new Change(
                CORE + "journal/Journal.java",
                "failure = failure == null ? e : failure;\n      throw untaken(e);",
                "throw untaken(e);")),
        new Exhibit(
            "directory-not-synced",
            new Seeds(1),
            new Change(
                CORE + "journal/Segment.java",
                "file.sync();\n      disk.syncDirectory();",
                "file.sync();")),
        new Exhibit(
            "torn-tail-is-valid",
            new Seeds(1),
            new Change(
                CORE + "journal/JournalFrame.java",
                "if (!hasGoodChecksum(bytes, at)) {",
                "if (false) {")),
        new Exhibit(
            "damage-is-a-tail",
            new OneTest(
                "core.journal.JournalTest",
                "aFlippedByteAnywhereInWhatWasSynced_isATypedErrorWithFileAndOffset"),
            new Change(
                CORE + "journal/JournalRecovery.java",
                "if (!last || next <= durable || (provenTo != null && next <= provenTo)) {",
                "if (!last) {"),
            new Change(
                CORE + "journal/JournalRecovery.java",
                "if (next - 1 < durable) {",
                "if (false) {")),
        new Exhibit(
            "header-not-in-checksum",
            new OneTest(
                "core.journal.JournalTest",
                "aFlippedByteAnywhereInWhatWasSynced_isATypedErrorWithFileAndOffset"),
            new Change(
                CORE + "journal/JournalFrame.java",
                "out.crc32c(start + TYPE_AT)",
                "out.crc32c(start + HEADER_BYTES)"),
            new Change(
                CORE + "journal/JournalFrame.java",
                "int from = at + TYPE_AT;",
                "int from = at + HEADER_BYTES;"),
            new Change(
                CORE + "journal/JournalFrame.java",
                "crcs.of(at + TYPE_AT, end)",
                "crcs.of(at + HEADER_BYTES, end)")),
        new Exhibit(
            "tombstone-before-what-it-hides",
            new OneTest("core.store.ForgetTest", "powerFailures_bringNothingBackThatWasForgotten"),
            new Change(
                CORE + "journal/Compaction.java",
                "boolean nothingOlder = !replacedKept && frame.position() <= cleanInFront;",
                "boolean nothingOlder = true;")),
        new Exhibit(
            "snapshot-ends-early",
            new OneTest(
                "core.journal.SnapshotCursorTest",
                "doesNotEnd_beforeWhatReplacedAnEntryIsAmongWhatWasRead"),
            new Change(
                CORE + "journal/SnapshotCursor.java",
                "until = end.getAsLong();",
                "until = begin;")),
        new Exhibit(
            "copy-looks-whole",
            new OneTest("core.store.BackupCrashTest", "aCopyIsWhole_orDoesNotOpen"),
            new Change(CORE + "journal/JournalCopy.java", "mark(DurableMark.UNFINISHED);", "")));
  }
}
