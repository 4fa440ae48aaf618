package io.metafabric.replicate;

import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;

/** Which missing copies are made first, and how fast. Called on the loop. */
public interface Rebuilding {
  /** In no order, and as fast as they come. */
  Rebuilding UNBOUNDED =
      new Rebuilding() {
        @Override
        public double readsPerSecond(Key key) {
          return 0;
        }

        @Override
        public boolean take(long bytes) {
          return true;
        }

        @Override
        public void giveBack(long bytes) {}

        @Override
        public void came(RegionName from, long bytes) {}
      };

  /** How often it is read here. */
  double readsPerSecond(Key key);

  /** Whether so much may come now; then it is paid for. */
  boolean take(long bytes);

  /** What was paid for did not come. */
  void giveBack(long bytes);

  /** What was paid for is here. */
  void came(RegionName from, long bytes);
}
