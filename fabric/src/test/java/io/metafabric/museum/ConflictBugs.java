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
            new Seeds(1),
            new Change(
                CORE + "store/LocalWrites.java",
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
            new OneTest("node.ReadYourWritesTest", "whoIsToldThatThereIsAValue_canReadIt"),
            new Change(
                CORE + "store/LocalWrites.java",
                "if (!condition.holds(current, clock.wallMs())) {",
                "if (!condition.holds(views.header(key), clock.wallMs())) {")),
        new Exhibit(
            "one-sibling-joined",
            new OneTest(
                "node.OpenConflictsTest",
                "aSiblingThatIsMissing_isBroughtByAComparison_thoughTheWinnersAreTheSame"),
            new Change(
                CORE + "store/Siblings.java",
                "b.versions().forEach(each -> add(byDot, each));",
                "add(byDot, b.versions().get(0));")),
        new Exhibit(
            "counter-adds-twice",
            new OneTest("merge.ReadyMergesTest", "theLawsHold"),
            new Change(
                "fabric/src/main/java/io/metafabric/merge/Counter.java",
                "new Sums(Math.max(plus, that.plus), Math.max(minus, that.minus))",
                "new Sums(plus + that.plus, minus + that.minus)")),
        new Exhibit(
            "loser-compacted",
            new Seeds(1),
            new Change(
                CORE + "store/StoreLiveness.java",
                "hasOwnThatIsLive(stored)) {\n      return stored;",
                "hasOwnThatIsLive(stored)) {\n"
                    + "      return new JournalEntry.Stored(stored.record().alone());")));
  }
}
