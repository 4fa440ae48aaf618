package io.metafabric.museum;

import java.util.List;

/** Of regions: what they send each other, answer, own, and lose. */
final class RegionBugs {
  private static final String CORE = "core/src/main/java/io/metafabric/core/";
  private static final String REPLICATE = "replicate/src/main/java/io/metafabric/replicate/";
  private static final String NODE = "fabric/src/main/java/io/metafabric/node/";
  private static final String CACHE = "cache/src/main/java/io/metafabric/cache/";

  private RegionBugs() {}

  static List<Exhibit> all() {
    return List.of(
        new Exhibit(
            "gap-not-noticed",
            new OneTest("core.store.InboundRangeTest", "aRangeBehindAGap_isNotTaken"),
            new Change(
                CORE + "store/InboundRanges.java",
                "if (after > taken || isAnothers || admission.isGivenUp(prefix.region(), since)) {",
                "if (isAnothers || admission.isGivenUp(prefix.region(), since)) {")),
        new Exhibit(
            "refused-range-is-applied",
            new OneTest(
                "core.store.InboundRangeTest",
                "whatFollowsARangeThatTheDiskRefused_isNotTaken_untilThatHasComeAgain"),
            new Change(
                CORE + "store/Decisions.java",
                "undecidedYet.clear();\n    takenUpTo.clear();",
                "undecidedYet.clear();")),
        new Exhibit(
            "told-before-durable",
            new OneTest(
                "core.store.ForgetTest",
                "withoutSyncs_nothingIsForgotten_thatALossOfPowerCouldTakeBack"),
            new Change(
                CORE + "store/RecordStore.java",
                "return progress.update(published, journal.publishedPosition(),"
                    + " journal.durablePosition());",
                "return published;")),
        new Exhibit(
            "queue-drops",
            new OneTest(
                "node.OpenConflictsTest",
                "whatFallsOutOfTheQueueOfMerges_isCounted_andMergedLater"),
            new Change(
                NODE + "Merging.java",
                "boolean isLeft = open.hasNext();\n",
                "boolean isLeft = open.hasNext();\n    if (!isLeft) {\n      return;\n    }\n")),
        new Exhibit(
            "slow-fill",
            new OneTest("cache.AdaptiveTierTest", "anOlderWrite_isRefused_howeverLateItComes"),
            new Change(CACHE + "AdaptiveTier.java", "!index.isCurrent(key, dot) || ", "")),
        new Exhibit(
            "absent-in-emptied",
            new OneTest(
                "node.RepairTest",
                "aRegionWhoseDirectoryWasEmptied_getsItsWritesBack_andDoesNotSayAbsentBefore"),
            new Change(
                REPLICATE + "Knowledge.java",
                "if (!knowsItsOwn()) {\n"
                    + "      return false;\n"
                    + "    }\n"
                    + "    if (here.equals(homesOf.home())) {",
                "if (here.equals(homesOf.home())) {")),
        new Exhibit(
            "two-homes-of-an-epoch",
            new Seeds(3),
            new Change(NODE + "HomeMover.java", "Math.max(epoch + 1,", "Math.max(epoch,")),
        new Exhibit(
            "eviction-exports-nothing",
            new OneTest(
                "node.EvictionTest",
                "whoIsTakenInAgain_exportsWhatNobodyHas_andIsFilledByTheOthers"),
            new Change(
                CORE + "store/EvictedState.java",
                "if (there != null && !there.contains(dot)) {",
                "if (false) {")),
        new Exhibit(
            "evicted-not-inherited",
            new OneTest("node.EvictionTest", "whatOneMemberHasOfTheEvicted_allGet_andForget"),
            new Change(
                REPLICATE + "Inheritance.java",
                "return !there.beyond(store.appliedOf(of)).isEmpty();",
                "return false;")));
  }
}
