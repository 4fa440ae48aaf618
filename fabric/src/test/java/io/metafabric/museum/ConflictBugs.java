package io.metafabric.museum;

import java.util.List;

/** Of concurrent writes, and of what becomes of them. */
final class ConflictBugs {
  private static final String CORE = "core/src/main/java/io/metafabric/core/";
  private static final String NODE = "fabric/src/main/java/io/metafabric/node/";

  private ConflictBugs() {}

  static List<Exhibit> all() {
    return List.of(
        new Exhibit(
            "two-callers",
            new OneTest(
                "core.store.SiblingsTest",
                "twoCallersOfOneNodeWhoReadTheSame_areSiblings_andAThirdWhoReadOneReplacesThatAlone"),
            new Change(
                CORE + "store/RecordStore.java",
                "read == null\n            ? WriterContext.ofAll(versions)",
                "true\n            ? WriterContext.ofAll(versions)")),
        new Exhibit(
            "shared-clock",
            new OneTest(
                "core.store.SiblingsTest",
                "twoCallersOfOneNodeWhoReadTheSame_areSiblings_andAThirdWhoReadOneReplacesThatAlone"),
            new Change(
                CORE + "store/WriterContext.java", "&& hasSeenAllBefore(dot, seen, known)", "")),
        new Exhibit(
            "condition-on-stale",
            new OneTest(
                "node.ReadYourWritesTest", "whoIsDeclinedForAWriteThatFails_isToldOfTheFailure"),
            new Change(
                CORE + "store/RecordStore.java",
                "Header current = newest == null ? publishedHeader(key) : newest.header();",
                "Header current = publishedHeader(key);")),
        new Exhibit(
            "one-sibling-joined",
            new OneTest(
                "core.store.SiblingsTest", "aDeletionBesideAValue_isASibling_andTheValueIsShown"),
            new Change(
                CORE + "store/Siblings.java",
                "b.versions().forEach(each -> add(byDot, each));",
                "add(byDot, b.versions().get(0));")),
        new Exhibit(
            "merge-without-all",
            new OneTest("node.OpenConflictsTest", "afterAMove_theNewHomeMerges_andTheOldDoesNot"),
            new Change(
                NODE + "Merging.java", "if (reads.isIncomplete(known, true)) {", "if (false) {"),
            new Change(
                NODE + "Merging.java",
                ".filter(each -> each.header().isVisibleAt(nowMs))",
                ".filter(each -> each.header().isVisibleAt(nowMs) && each.payload() != null)")),
        new Exhibit(
            "merge-covers-nothing",
            new OneTest(
                "node.OpenConflictsTest", "whatIsOpenWhenTheHomeStarts_itMerges_thoughNobodyReads"),
            new Change(
                NODE + "Merging.java",
                "Precondition.NONE, read)",
                "Precondition.NONE, Version.NONE)")),
        new Exhibit(
            "merge-covers-too-much",
            new Seeds(1),
            new Change(
                NODE + "Merging.java", "Precondition.NONE, read)", "Precondition.NONE, null)")),
        new Exhibit(
            "counter-adds-twice",
            new OneTest("merge.ReadyMergesTest", "theLawsHold"),
            new Change(
                "fabric/src/main/java/io/metafabric/merge/Counter.java",
                "new Sums(Math.max(plus, that.plus), Math.max(minus, that.minus))",
                "new Sums(plus + that.plus, minus + that.minus)")),
        new Exhibit(
            "loser-compacted",
            new OneTest(
                "core.store.SiblingDotsTest",
                "powerFailuresAndCompaction_bringNothingBackThatWasForgotten"),
            new Change(
                CORE + "store/StoreLiveness.java",
                "if (index.isCurrent(key, dot) || isSibling(key, dot) || hasOwnThatIsLive(stored))"
                    + " {",
                "if (index.isCurrent(key, dot)) {")));
  }
}
