package io.metafabric.simulation;

import io.metafabric.core.sim.SimDisk.Loss;
import io.metafabric.core.sim.SimDisk.Operation;
import java.time.Duration;
import java.util.List;

/** What goes wrong; each with a probability of its own in each seed. */
enum Fault {
  PARTITION {
    @Override
    Action draw(Dice dice, Setting setting) {
      return new Faults.Cut(site(dice), site(dice), true, aWhile(dice));
    }
  },
  ONE_WAY_PARTITION {
    @Override
    Action draw(Dice dice, Setting setting) {
      return new Faults.Cut(site(dice), site(dice), false, aWhile(dice));
    }
  },
  ISOLATION {
    @Override
    Action draw(Dice dice, Setting setting) {
      return new Faults.Isolation(site(dice), aWhile(dice));
    }
  },
  LOSS {
    @Override
    Action draw(Dice dice, Setting setting) {
      return link(dice, Duration.ZERO, Duration.ZERO, dice.scaled(0.01, 0.5), 0);
    }
  },
  DUPLICATION {
    @Override
    Action draw(Dice dice, Setting setting) {
      return link(dice, Duration.ZERO, Duration.ZERO, 0, dice.scaled(0.01, 0.5));
    }
  },
  REORDERING {
    @Override
    Action draw(Dice dice, Setting setting) {
      return link(dice, Duration.ZERO, dice.time(MS, Duration.ofSeconds(5)), 0, 0);
    }
  },
  DELAY {
    @Override
    Action draw(Dice dice, Setting setting) {
      return link(dice, dice.time(MS, Duration.ofMinutes(10)), Duration.ZERO, 0, 0);
    }
  },
  BROKEN_CONNECTION {
    @Override
    Action draw(Dice dice, Setting setting) {
      return new Faults.BrokenConnection(site(dice), site(dice));
    }
  },
  PAUSE {
    @Override
    Action draw(Dice dice, Setting setting) {
      return new Faults.Pause(site(dice), dice.time(Duration.ofMillis(10), Duration.ofMinutes(1)));
    }
  },
  /** The power fails, in the middle of work: what was not synced is lost or torn. */
  POWER_LOSS {
    @Override
    Action draw(Dice dice, Setting setting) {
      return new Faults.Crash(
          site(dice), dice.chance(0.8) ? Loss.SOME : Loss.ALL, dice.below(40), down(dice));
    }
  },
  PROCESS_DEATH {
    @Override
    Action draw(Dice dice, Setting setting) {
      return new Faults.Crash(site(dice), Loss.NONE, dice.below(40), down(dice));
    }
  },
  /** The power fails while the directory is being opened. */
  CRASH_AT_OPENING {
    @Override
    Action draw(Dice dice, Setting setting) {
      return new Faults.CrashAtOpening(site(dice), Loss.SOME, dice.below(60), down(dice));
    }
  },
  GONE_FOR_LONG {
    @Override
    Action draw(Dice dice, Setting setting) {
      return new Faults.Crash(
          site(dice), Loss.SOME, 0, dice.time(Duration.ofMinutes(2), Duration.ofMinutes(30)));
    }
  },
  /** A write stops in the middle; the process is restarted later. */
  TORN_WRITE {
    @Override
    Action draw(Dice dice, Setting setting) {
      return new Faults.BrokenDisk(site(dice), Operation.WRITE);
    }
  },
  FAILED_SYNC {
    @Override
    Action draw(Dice dice, Setting setting) {
      return new Faults.BrokenDisk(site(dice), Operation.SYNC);
    }
  },
  FAILED_READ {
    @Override
    Action draw(Dice dice, Setting setting) {
      return new Faults.BrokenDisk(site(dice), Operation.READ);
    }
  },
  /** Of making, cutting and deleting files. */
  FAILED_FILE_OPERATION {
    @Override
    Action draw(Dice dice, Setting setting) {
      return new Faults.BrokenDisk(
          site(dice),
          dice.oneOf(
              List.of(
                  Operation.OPEN, Operation.TRUNCATE, Operation.DELETE, Operation.SYNC_DIRECTORY)));
    }
  },
  BIT_FLIP {
    @Override
    Action draw(Dice dice, Setting setting) {
      return new Faults.BitFlip(site(dice), dice.below(1 << 20), dice.below(1 << 20), aWhile(dice));
    }
  },
  FULL_DISK {
    @Override
    Action draw(Dice dice, Setting setting) {
      return new Faults.FullDisk(site(dice), dice.below(400), aWhile(dice));
    }
  },
  CLOCK_JUMP {
    @Override
    Action draw(Dice dice, Setting setting) {
      Duration by = dice.time(Duration.ofMillis(10), Duration.ofHours(1));
      return new Faults.ClockJump(site(dice), dice.chance(0.5) ? by : by.negated());
    }
  },
  /** A region that has written nothing since is given its disk as it was a while ago. */
  OLD_DISK {
    @Override
    Action draw(Dice dice, Setting setting) {
      return new Faults.OldDisk(site(dice), true, aWhile(dice));
    }
  },
  /** The same for one that has written, and so loses writes of its own. */
  OLD_DISK_LOSES_OWN_WRITES {
    @Override
    Action draw(Dice dice, Setting setting) {
      return new Faults.OldDisk(site(dice), false, aWhile(dice));
    }
  },
  /** A region is started on a copy of another's disk. */
  CLONED_DISK {
    @Override
    Action draw(Dice dice, Setting setting) {
      return new Faults.ClonedDisk(site(dice), site(dice));
    }
  },
  /** All that a region had is gone, its own writes included. */
  EMPTIED_DISK {
    @Override
    Action draw(Dice dice, Setting setting) {
      return new Faults.EmptiedDisk(site(dice));
    }
  };

  private static final Duration MS = Duration.ofMillis(1);

  abstract Action draw(Dice dice, Setting setting);

  private static int site(Dice dice) {
    return dice.below(Setting.MAX_REGIONS);
  }

  private static Duration aWhile(Dice dice) {
    return dice.time(Duration.ofMillis(100), Duration.ofMinutes(1));
  }

  private static Duration down(Dice dice) {
    return dice.time(Duration.ofMillis(10), Duration.ofSeconds(30));
  }

  private static Action link(
      Dice dice, Duration delay, Duration jitter, double loss, double duplication) {
    return new Faults.Link(site(dice), site(dice), delay, jitter, loss, duplication, aWhile(dice));
  }
}
