package io.metafabric.museum;

import java.util.List;
import java.util.stream.Stream;

/** All that is shown. */
final class Exhibits {
  private Exhibits() {}

  static List<Exhibit> all() {
    return Stream.of(
            VersionBugs.all(),
            DiskBugs.all(),
            ConflictBugs.all(),
            DeleteBugs.all(),
            RegionBugs.all())
        .flatMap(List::stream)
        .toList();
  }
}
