package io.metafabric.simulation;

import io.metafabric.core.error.EvictedException;
import io.metafabric.core.error.EvictionException;
import io.metafabric.core.error.FabricException;
import io.metafabric.core.place.Configuration;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Takes regions out of the cluster and in again. Decides one thing after the other, and only where
 * the newest decision is known: two that decide differently are refused, not healed.
 */
final class Operator {
  private final Simulation run;
  private @Nullable Site deciding;
  private int decidingIn;
  private @Nullable CompletableFuture<Configuration> decision;
  private Configuration decided = Configuration.INITIAL;

  Operator(Simulation run) {
    this.run = run;
  }

  /** The newest that any region has on its disk. */
  Configuration newest() {
    Configuration newest = Configuration.INITIAL;
    for (Site site : run.sites()) {
      Configuration here = site.configuration();
      newest = here.epoch() > newest.epoch() ? here : newest;
    }
    return newest;
  }

  /** Whether the last decision is not only on a disk that may be put back later. */
  private boolean isDecidedKnown() {
    Configuration newest = newest();
    return newest.equals(decided) || newest.follows(decided);
  }

  boolean isMember(Site site) {
    return newest().isMember(site.region());
  }

  private boolean isDeciding() {
    Site at = deciding;
    if (at == null || decision == null) {
      return false;
    }
    // Of a process that has ended it is not known before its disk is read again.
    boolean ended = at.machine().life() != decidingIn;
    if (ended ? at.isUp() : decision.isDone()) {
      deciding = null;
      return false;
    }
    return true;
  }

  void evict(int drawn, Site whom) {
    long members = run.sites().stream().filter(this::isMember).count();
    if (members > 2 && isMember(whom) && isDecidedKnown()) {
      decide(drawn, whom, true);
    }
  }

  void readmit(int drawn, Site whom) {
    if (!isMember(whom) && isDecidedKnown()) {
      decide(drawn, whom, false);
    }
  }

  /** Returns whether nobody is left to be taken in again. All disks are in their places. */
  boolean readmitAll() {
    for (Site site : run.sites()) {
      if (!isMember(site)) {
        decide(0, site, false);
        return false;
      }
    }
    return run.sites().stream().allMatch(Site::isAdmitted);
  }

  private void decide(int drawn, Site whom, boolean evict) {
    if (isDeciding()) {
      return;
    }
    Configuration newest = newest();
    Predicate<Site> mayDecide =
        site ->
            site != whom
                && site.isRunning()
                && (evict ? site.isWaitedFor() : site.isAdmitted())
                && newest.isMember(site.region())
                && site.configuration().equals(newest);
    for (int i = 0; i < run.sites().size(); i++) {
      Site by = run.site(drawn + i);
      if (mayDecide.test(by)) {
        decide(by, whom, evict);
        return;
      }
    }
  }

  private void decide(Site by, Site whom, boolean evict) {
    run.world().trace(by + (evict ? " evicts " : " readmits ") + whom);
    if (evict) {
      run.travellers().evicted(whom.region());
    }
    deciding = by;
    decidingIn = by.machine().life();
    try {
      decision = evict ? by.node().evict(whom.region()) : by.node().readmit(whom.region());
    } catch (FabricException e) {
      decision = CompletableFuture.failedFuture(e);
    }
    decision.whenComplete(
        (configuration, failure) -> {
          if (configuration != null) {
            decided = configuration;
          }
          Throwable cause = failure == null ? null : Site.causeOf(failure);
          run.world().trace(by + (cause == null ? " holds " + configuration : ": " + cause));
          // Who lacks something itself, or was not told enough, refuses to evict others.
          boolean expected =
              cause == null
                  || cause instanceof EvictedException
                  || (evict && cause instanceof EvictionException)
                  || by.mayFail(cause);
          if (!expected && by.machine().life() == decidingIn) {
            run.violation(by + " could not decide on " + whom, cause);
          }
        });
  }
}
