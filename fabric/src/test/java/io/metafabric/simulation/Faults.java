package io.metafabric.simulation;

import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.sim.SimLink;
import java.time.Duration;
import java.util.List;

/** What goes wrong. Sites are drawn from the largest fabric, and taken modulo the real size. */
final class Faults {
  private static final Duration WHILE_BROKEN = Duration.ofSeconds(5);

  private Faults() {}

  record Cut(int from, int to, boolean bothWays, Duration time) implements Action {
    @Override
    public void runIn(Simulation run) {
      String one = run.site(from).name();
      String other = run.otherThan(from, to).name();
      run.network().cut(one, other);
      if (bothWays) {
        run.network().cut(other, one);
      }
      run.endsIn(time, () -> run.network().heal(one, other));
    }
  }

  record Isolation(int site, Duration time) implements Action {
    @Override
    public void runIn(Simulation run) {
      String lonely = run.site(site).name();
      for (Site other : run.sites()) {
        if (other != run.site(site)) {
          run.network().split(lonely, other.name());
          run.endsIn(time, () -> run.network().heal(lonely, other.name()));
        }
      }
    }
  }

  /** One direction between two regions is worse for a time. */
  record Link(
      int from,
      int to,
      Duration delay,
      Duration jitter,
      double loss,
      double duplication,
      Duration time)
      implements Action {
    @Override
    public void runIn(Simulation run) {
      String one = run.site(from).name();
      String other = run.otherThan(from, to).name();
      SimLink usual = run.setting().link();
      run.network()
          .link(one, other, new SimLink(usual.delay().plus(delay), jitter, loss, duplication));
      run.endsIn(time, () -> run.network().link(one, other, usual));
    }
  }

  record BrokenConnection(int one, int other) implements Action {
    @Override
    public void runIn(Simulation run) {
      run.network().breakConnections(run.site(one).name(), run.otherThan(one, other).name());
    }
  }

  record Pause(int site, Duration time) implements Action {
    @Override
    public void runIn(Simulation run) {
      Site at = run.site(site);
      if (at.isRunning()) {
        at.machine().pause();
        run.endsIn(time, () -> at.machine().resume());
      }
    }
  }

  /**
   * @param operations on the disk that are still done before
   */
  record Crash(int site, SimDisk.Loss loss, int operations, Duration down) implements Action {
    @Override
    public void runIn(Simulation run) {
      Site at = run.site(site);
      if (at.isUp()) {
        at.crashAfter(operations, loss, down);
      }
    }
  }

  record CrashAtOpening(int site, SimDisk.Loss loss, int operations, Duration down)
      implements Action {
    @Override
    public void runIn(Simulation run) {
      Site at = run.site(site);
      if (at.isUp()) {
        at.crash(loss);
        at.startIn(down);
        at.crashAtOpening(operations, loss, down);
      }
    }
  }

  /** The next operation of a kind fails. A process that does not write any more is restarted. */
  record BrokenDisk(int site, SimDisk.Operation operation) implements Action {
    @Override
    public void runIn(Simulation run) {
      Site at = run.site(site);
      if (at.isUp()) {
        run.endsIn(WHILE_BROKEN, at.breakDisk(operation)::end);
      }
    }
  }

  /** A byte of a file that is not written to any more turns, and turns back later. */
  record BitFlip(int site, int file, int offset, Duration time) implements Action {
    @Override
    public void runIn(Simulation run) {
      Site at = run.site(site);
      List<String> sealed = at.sealedFiles();
      // Where a new segment may not have reached the disk, a crash makes the one before it the
      // last,
      // and damage at its end a torn tail.
      if (sealed.isEmpty() || at.mayFail()) {
        return;
      }
      String name = sealed.get(file % sealed.size());
      int size = at.disk().contentOf(name).length;
      if (size == 0) {
        return;
      }
      Runnable mend = at.disk().damage(name, offset % size);
      run.world().trace(at.name() + ": byte " + offset % size + " of " + name + " is damaged");
      at.damaged(true);
      run.endsIn(
          time,
          () -> {
            mend.run();
            at.damaged(false);
          });
    }
  }

  /**
   * @param freeBytes so few that a large entry finds no room and a small one behind it does
   */
  record FullDisk(int site, int freeBytes, Duration time) implements Action {
    @Override
    public void runIn(Simulation run) {
      SimDisk disk = run.site(site).disk();
      disk.setCapacityBytes(disk.usedBytes() + freeBytes);
      run.site(site).mayBeFull(time);
      run.endsIn(time, () -> run.site(site).disk().setCapacityBytes(Long.MAX_VALUE));
    }
  }

  record ClockJump(int site, Duration by) implements Action {
    @Override
    public void runIn(Simulation run) {
      run.site(site).jumpClock(by);
    }
  }

  /**
   * @param writesNothing whether the region writes nothing of its own meanwhile
   */
  record OldDisk(int site, boolean writesNothing, Duration time) implements Action {
    @Override
    public void runIn(Simulation run) {
      Site at = run.site(site);
      if (!at.isRunning() || !at.isIdle() || !at.mayKeepFromWriting()) {
        return;
      }
      int life = at.machine().life();
      long written = at.node().stats().store().written();
      SimDisk image = at.disk().copy(at.name(), run.world().fork("image " + run.world().steps()));
      at.keepFromWriting(writesNothing);
      run.endsIn(
          time,
          () -> {
            // A home writes down what it has merged, whatever its host does.
            boolean wrote =
                at.machine().life() != life || at.node().stats().store().written() != written;
            if (!writesNothing || !wrote) {
              at.crash(SimDisk.Loss.SOME);
              at.mount(image);
              at.startIn(Duration.ZERO);
            }
            at.keepFromWriting(false);
          });
    }
  }

  record ClonedDisk(int site, int source) implements Action {
    @Override
    public void runIn(Simulation run) {
      Site at = run.site(site);
      if (at.isUp()) {
        at.refusesDiskOf(run.otherThan(site, source));
      }
    }
  }

  record EmptiedDisk(int site) implements Action {
    @Override
    public void runIn(Simulation run) {
      Site at = run.site(site);
      if (at.isUp()) {
        at.crash(SimDisk.Loss.ALL);
        at.mount(new SimDisk(at.name(), run.world().fork("new disk " + run.world().steps())));
        at.startIn(Duration.ZERO);
      }
    }
  }
}
