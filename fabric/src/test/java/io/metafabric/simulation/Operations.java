package io.metafabric.simulation;

import io.metafabric.core.place.WriteConcern;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.store.Precondition;
import java.time.Duration;

/** What the host of a region does. Whoever is drawn and down is stood in for by the next region. */
final class Operations {
  private Operations() {}

  enum Condition {
    ALWAYS,
    IF_ABSENT,
    /** If the key still has the version that was seen last in this region. */
    IF_AS_SEEN
  }

  /**
   * @param timeToLive zero for ever
   */
  record Put(int site, Key key, int bytes, Duration timeToLive, Condition condition)
      implements Action {
    @Override
    public void runIn(Simulation run) {
      Site at = run.writable(site);
      Header seen = at.seen(key);
      switch (condition) {
        case ALWAYS -> at.put(key, bytes, timeToLive, Precondition.NONE);
        case IF_ABSENT -> at.put(key, bytes, timeToLive, Precondition.ABSENT);
        case IF_AS_SEEN -> at.replace(key, bytes, seen);
      }
    }
  }

  record Remove(int site, Key key) implements Action {
    @Override
    public void runIn(Simulation run) {
      run.writable(site).remove(key);
    }
  }

  /**
   * @param asRead replaces what was read last here, and nothing else
   */
  record PutBeside(int site, Key key, int bytes, boolean asRead) implements Action {
    @Override
    public void runIn(Simulation run) {
      run.writable(site).concurrent().put(key, bytes, asRead);
    }
  }

  record ReadSiblings(int site, Key key) implements Action {
    @Override
    public void runIn(Simulation run) {
      run.readable(site).concurrent().readSiblings(key);
    }
  }

  record Add(int site, Key key, int amount, String client) implements Action {
    @Override
    public void runIn(Simulation run) {
      run.writable(site).concurrent().add(client, key, amount);
    }
  }

  /**
   * @param height 0 deletes
   * @param asRead replaces what was read alone, else all that is known
   */
  record Measure(int site, Key key, int height, boolean asRead, String client) implements Action {
    @Override
    public void runIn(Simulation run) {
      run.writable(site).concurrent().measure(client, key, height, asRead);
    }
  }

  /** Of somebody who carries a token from region to region. */
  record SessionRead(int who, int site, Key key) implements Action {
    @Override
    public void runIn(Simulation run) {
      run.travellers().read(who, run.readable(site), key);
    }
  }

  /**
   * @param bytes 0 deletes
   */
  record SessionWrite(int who, int site, Key key, int bytes) implements Action {
    @Override
    public void runIn(Simulation run) {
      run.travellers().write(who, run.writable(site), key, bytes);
    }
  }

  record FreshRead(int site, Key key, Duration maxAge) implements Action {
    @Override
    public void runIn(Simulation run) {
      run.travellers().readFresh(run.readable(site), key, maxAge);
    }
  }

  record DurableWrite(int site, Key key, int bytes, WriteConcern concern) implements Action {
    @Override
    public void runIn(Simulation run) {
      run.travellers().writeDurably(run.writable(site), key, bytes, concern);
    }
  }

  record AwaitReplicated(int who, int site, int other) implements Action {
    @Override
    public void runIn(Simulation run) {
      Site at = run.readable(site);
      run.travellers().awaitReplicated(who, at, run.otherThan(run.sites().indexOf(at), other));
    }
  }

  record Read(int site, Key key, String client) implements Action {
    @Override
    public void runIn(Simulation run) {
      run.readable(site).read(client, key);
    }
  }

  /** What is wrong with a region when its operator gives it up. */
  enum Trouble {
    NONE,
    CUT_OFF,
    CRASHED
  }

  /**
   * @param by decides, or the next that may
   * @param time until it is taken in again
   */
  record Evict(int by, int whom, Trouble trouble, Duration troubleTime, Duration time)
      implements Action {
    @Override
    public void runIn(Simulation run) {
      Site site = run.site(whom);
      switch (trouble) {
        case NONE -> {}
        case CUT_OFF -> new Faults.Isolation(whom, troubleTime).runIn(run);
        case CRASHED -> {
          if (site.isUp()) {
            site.crash(SimDisk.Loss.SOME);
            site.startIn(troubleTime);
          }
        }
      }
      run.operator().evict(by, site);
      run.endsIn(time.dividedBy(2), () -> run.travellers().visit(site));
      run.endsIn(time, () -> run.operator().readmit(by, site));
    }
  }

  record MoveHome(int site, Key key, int to) implements Action {
    @Override
    public void runIn(Simulation run) {
      run.writable(site).moveHome(key, run.site(to).region());
    }
  }

  record MakeShadows(int site, Key key, int factor, Duration timeToLive) implements Action {
    @Override
    public void runIn(Simulation run) {
      run.readable(site).makeShadows(key, factor, timeToLive);
    }
  }

  record DropShadows(int site, Key key) implements Action {
    @Override
    public void runIn(Simulation run) {
      run.readable(site).dropShadows(key);
    }
  }

  /** An operator lets a region send no changes to another for a time, or until it is restarted. */
  record PauseLink(int from, int to, Duration time) implements Action {
    @Override
    public void runIn(Simulation run) {
      Site at = run.readable(from);
      Site other = run.otherThan(run.sites().indexOf(at), to);
      run.endsIn(time, at.pauseLink(other.region()));
    }
  }

  /** An operator lets two regions compare all headers. */
  record Compare(int site, int with) implements Action {
    @Override
    public void runIn(Simulation run) {
      Site at = run.readable(site);
      at.compare(run.otherThan(run.sites().indexOf(at), with).region());
    }
  }

  /** In order. */
  record Restart(int site, Duration down) implements Action {
    @Override
    public void runIn(Simulation run) {
      Site at = run.readable(site);
      at.stop();
      at.startIn(down);
    }
  }
}
