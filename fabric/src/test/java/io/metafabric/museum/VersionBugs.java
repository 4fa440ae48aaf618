package io.metafabric.museum;

import java.util.List;

/** Of versions and clocks, and of who issues them. */
final class VersionBugs {
  private static final String CORE = "core/src/main/java/io/metafabric/core/";

  private VersionBugs() {}

  static List<Exhibit> all() {
    return List.of(
        new Exhibit(
            "tie-by-direction",
            new OneTest(
                "core.store.LastWriterWinsTest", "join_isCommutativeAssociativeAndIdempotent"),
            new Change(
                CORE + "store/LastWriterWins.java",
                "case CONCURRENT -> a.version().isLaterThan(b.version());",
                "case CONCURRENT -> a.version().stamp().compareTo(b.version().stamp()) >= 0;")),
        new Exhibit(
            "same-is-before",
            new OneTest("core.version.VersionTest", "relationTo_tellsWhoHadSeenWhom"),
            new Change(
                CORE + "version/Version.java",
                "return Causality.SAME;",
                "return Causality.BEFORE;")),
        new Exhibit(
            "counter-reused",
            new Seeds(1),
            new Change(
                CORE + "store/Openings.java",
                "this.actor = replayed.freshActor(random);",
                "this.actor =\n"
                    + "    replayed.openings().isEmpty()\n"
                    + "        ? replayed.freshActor(random)\n"
                    + "        : replayed.openings().lastEntry().getValue();"),
            new Change(
                CORE + "store/Decisions.java",
                "this.versions = new RecentVersions(random);",
                "this.versions = new RecentVersions(random);\n"
                    + "this.lastCounter = openings.newest(openings.actor());")),
        new Exhibit(
            "identity-on-the-disk",
            new Seeds(1),
            new Change(
                CORE + "store/Openings.java",
                "this.actor = replayed.freshActor(random);",
                "this.actor = replayed.freshActor(new java.util.SplittableRandom(nodeId));")),
        new Exhibit(
            "clock-restart",
            new OneTest("node.ClockSetBetweenRunsTest", "aDayBack"),
            new Change(
                CORE + "store/Decisions.java", "stamps.observe(replayed.newestStamp());", "")),
        new Exhibit(
            "clock-not-observed",
            new OneTest(
                "core.version.HybridClockTest",
                "stampsGrow_howeverTheWallClockJumps_andWhateverIsObserved"),
            new Change(
                CORE + "version/HybridClock.java", "last = Math.max(last, seen.packed());", "")));
  }
}
