package io.metafabric.museum;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A bug that others have had, how it gets into the present sources, and who must notice.
 *
 * @param name as in docs/MUSEUM.md, which says where the bug was met
 */
record Exhibit(String name, Catcher catcher, List<Change> changes) {
  Exhibit(String name, Catcher catcher, Change... changes) {
    this(name, catcher, List.of(changes));
  }

  /** The changed sources by their file. */
  Map<String, String> sources() {
    var sources = new TreeMap<String, String>();
    for (Change change : changes) {
      String before = sources.get(change.file());
      sources.put(change.file(), change.in(before == null ? change.source() : before));
    }
    return sources;
  }
}
