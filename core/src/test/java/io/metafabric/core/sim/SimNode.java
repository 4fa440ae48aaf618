package io.metafabric.core.sim;

import io.metafabric.core.port.Clock;
import io.metafabric.core.port.Scheduler;
import io.metafabric.core.port.SerialExecutor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * A machine of the world: its disk stays, everything else belongs to one life and ends with {@link
 * #crash}.
 */
public final class SimNode {
  /** Epoch milliseconds at which every world begins. */
  private static final long BEGIN_MS = 1_700_000_000_000L;

  private final SimWorld world;
  private final String name;
  private final RandomGenerator random;
  private final SimDisk disk;
  private Duration skew = Duration.ZERO;
  private final List<Runnable> crashListeners = new ArrayList<>();
  private long life = 1;

  public SimNode(SimWorld world, String name) {
    this.world = world;
    this.name = name;
    this.random = world.fork();
    this.disk = new SimDisk(name, world.fork());
  }

  public String name() {
    return name;
  }

  public SimDisk disk() {
    return disk;
  }

  public RandomGenerator random() {
    return random;
  }

  /** How far the wall clock is ahead of the world's; may be negative. */
  public void setSkew(Duration ahead) {
    skew = ahead;
  }

  public Clock clock() {
    return new Clock() {
      @Override
      public long wallMs() {
        return BEGIN_MS + world.nanoTime() / 1_000_000 + skew.toMillis();
      }

      @Override
      public long nanoTime() {
        return world.nanoTime();
      }
    };
  }

  /** Tasks run as events of the world, in the order of their arrival, while this life lasts. */
  public Scheduler scheduler() {
    long mine = life;
    return executor -> new Tasks(executor, mine);
  }

  /** Called at every crash, for what lives outside and notices. */
  void whenCrashed(Runnable listener) {
    crashListeners.add(listener);
  }

  /** The power fails: no task of this life runs any more, and unsynced writes may be lost. */
  public void crash() {
    world.trace(name + " crashes");
    life++;
    disk.crash();
    crashListeners.forEach(Runnable::run);
  }

  private final class Tasks implements SerialExecutor {
    private final String executor;
    private final long bornIn;
    private boolean closed;

    Tasks(String executor, long bornIn) {
      this.executor = executor;
      this.bornIn = bornIn;
    }

    @Override
    public void execute(Runnable task) {
      schedule(Duration.ZERO, task);
    }

    @Override
    public Task schedule(Duration delay, Runnable task) {
      var cancelled = new boolean[1];
      world.after(
          delay,
          () -> {
            if (!cancelled[0] && !closed && bornIn == life) {
              run(task);
            }
          });
      return () -> cancelled[0] = true;
    }

    private void run(Runnable task) {
      try {
        task.run();
      } catch (RuntimeException | Error e) {
        world.taskFailed(name + "/" + executor, e);
      }
    }

    @Override
    public void close() {
      closed = true;
    }
  }
}
