package io.metafabric.node;

import io.metafabric.core.place.Configuration;
import io.metafabric.migrate.MovedHomes;
import io.metafabric.replicate.MembershipListener;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a node does when its cluster becomes another one: homes pass over who is out. */
final class NodeMembership implements MembershipListener {
  private static final Logger log = LoggerFactory.getLogger(NodeMembership.class);

  private final MovedHomes homes;
  private final Shadows shadows;
  private final Runnable onMustReopen;

  NodeMembership(MovedHomes homes, Shadows shadows, Runnable onMustReopen) {
    this.homes = homes;
    this.shadows = shadows;
    this.onMustReopen = onMustReopen;
  }

  @Override
  public void reconfigured(Configuration now) {
    homes.passOver(now.evicted());
    shadows.rehomed(now.evicted());
  }

  @Override
  public void mustReopen() {
    onMustReopen.run();
  }

  @Override
  public void lost(String what) {
    log.warn("{}", what);
  }
}
