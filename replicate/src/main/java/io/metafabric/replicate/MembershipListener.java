package io.metafabric.replicate;

import io.metafabric.core.place.Configuration;

/** Hears of the cluster's configuration, on the loop; must not wait. */
public interface MembershipListener {
  MembershipListener NONE =
      new MembershipListener() {
        @Override
        public void reconfigured(Configuration now) {}

        @Override
        public void mustReopen() {}

        @Override
        public void lost(String what) {}
      };

  /** From now on this configuration holds; also told once at the start. */
  void reconfigured(Configuration now);

  /**
   * This region has been taken in again: what nobody else has of its writes is in the conflict log,
   * and the next opening of its directory finds it empty.
   */
  void mustReopen();

  /** Something of what this region had alone is damaged, and was passed over on its way back. */
  void lost(String what);
}
