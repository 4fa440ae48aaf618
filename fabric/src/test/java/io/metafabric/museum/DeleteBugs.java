package io.metafabric.museum;

import java.util.List;

/** Of what was deleted, or has expired, and comes back. */
final class DeleteBugs {
  private static final String CORE = "core/src/main/java/io/metafabric/core/";
  private static final String REPLICATE = "replicate/src/main/java/io/metafabric/replicate/";

  private DeleteBugs() {}

  static List<Exhibit> all() {
    return List.of(
        new Exhibit(
            "floor-ignores-peers",
            new Seeds(1),
            new Change(REPLICATE + "StableFloor.java", "floor = floor.meet(each.counts);", "")),
        new Exhibit(
            "floor-ignores-absent",
            new Seeds(1),
            new Change(
                REPLICATE + "StableFloor.java",
                "floor = floor.meet(each.counts);",
                "floor = each.counts.isEmpty() ? floor : floor.meet(each.counts);")),
        new Exhibit(
            "expiry-comes-back",
            new OneTest(
                "core.store.ForgetTest",
                "whatHasExpired_isKept_whileARegionMayLackIt_andHaveWhatItReplaced"),
            new Change(
                CORE + "store/DeadHeaders.java",
                "if (stable.equals(before) && nowMs < nothingBeforeMs) {",
                "if (false) {"),
            new Change(
                CORE + "store/DeadHeaders.java",
                "index.mortalsIn(nextTable++, stable::contains)",
                "index.mortalsIn(nextTable++, dot -> true)"),
            new Change(
                CORE + "store/DeadHeaders.java",
                "return stable.covers(header.version().seen());",
                "return !header.isTombstone() || stable.covers(header.version().seen());")),
        new Exhibit(
            "forgotten-comes-back",
            new OneTest("core.store.ForgetTest", "anOldVersionThatComesLate_isDiscarded"),
            new Change(
                CORE + "store/InboundJoin.java",
                "if (ours == null && isOfThePast(record)) {",
                "if (false) {")),
        new Exhibit(
            "repair-resurrects",
            new OneTest(
                "node.ForgottenDeletesTest",
                "aRegionWithADiskFromBeforeTheDeletion_isToldAgain_andNothingNewerIsHurt"),
            new Change(
                CORE + "store/InboundRecords.java",
                "(returns.keepDead(one, all) || returns.deleteAgain(one.record(), all))",
                "returns.keepDead(one, all)")));
  }
}
