package io.metafabric.core.fuzz;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import java.util.List;

/** A good hint, edited. */
class HintEditedFuzz {
  private static final List<byte[]> HINTS = HintFuzz.seeds().toList();

  @FuzzTest
  void open(FuzzedDataProvider data) {
    byte[] hint = HINTS.get(0);
    for (int edits = data.consumeInt(1, 4); edits > 0; edits--) {
      hint = EditedFuzz.edited(hint, data);
    }
    HintFuzz.check(hint);
  }
}
