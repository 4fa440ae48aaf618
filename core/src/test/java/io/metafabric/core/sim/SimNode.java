package io.metafabric.core.sim;

import io.metafabric.core.port.Clock;
import io.metafabric.core.port.Scheduler;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * A machine with a disk and a clock on which one process runs at a time.
 *
 * <p>What the process gets from here belongs to its life: after {@link #crash} none of its tasks
 * runs, its files and locks are dead, and its connections are closed. Then the next life has begun,
 * with another scheduler and other randomness, on the same disk.
 */
public final class SimNode {
  private final SimWorld world;
  private final String name;
  private final List<Runnable> crashListeners = new ArrayList<>();
  private SimDisk disk;
  private SimLife life;
  private int lives = 1;
  private RandomGenerator random;
  private long bootNanos;
  private long wallOffsetMs;

  public SimNode(SimWorld world, String name) {
    this(world, name, new SimDisk(name, world.fork("disk of " + name)));
  }

  /**
   * @param disk may come from another node: a copy of it is a cloned or restored machine
   */
  public SimNode(SimWorld world, String name, SimDisk disk) {
    this.world = world;
    this.name = name;
    mount(disk);
    this.life = new SimLife(world, name);
    this.random = randomOfThisLife();
    this.bootNanos = random.nextLong() >> 8;
  }

  private RandomGenerator randomOfThisLife() {
    return world.fork("life " + lives + " of " + name);
  }

  public String name() {
    return name;
  }

  public SimWorld world() {
    return world;
  }

  /** 1 until the first crash. */
  public int life() {
    return lives;
  }

  /** Another disk takes the place of this one; the process that had it has ended, or not begun. */
  public void mount(SimDisk other) {
    disk = other;
    String prefix = name + " ";
    var what = new EnumMap<SimDisk.Operation, String>(SimDisk.Operation.class);
    for (SimDisk.Operation operation : SimDisk.Operation.values()) {
      what.put(operation, prefix + operation);
    }
    other.tell(
        (operation, file, offset, result) ->
            world.note(what.getOrDefault(operation, prefix), file, offset, result));
  }

  /** Of this life. As with real ones, its nanoseconds begin anywhere, below zero too. */
  public Clock clock() {
    long boot = bootNanos;
    return new Clock() {
      @Override
      public long wallMs() {
        return SimWorld.EPOCH_MS + wallOffsetMs + world.nanoTime() / 1_000_000;
      }

      @Override
      public long nanoTime() {
        return boot + world.nanoTime();
      }
    };
  }

  /** Makes the wall clock differ from the world's by this much, either way, from now on. */
  public void setSkew(Duration skew) {
    wallOffsetMs = skew.toMillis();
    world.trace(name + ": wall clock skew is " + skew);
  }

  /** Moves the wall clock by this much, either way. */
  public void jumpWall(Duration by) {
    wallOffsetMs += by.toMillis();
    world.trace(name + ": wall clock jumps by " + by);
  }

  public Scheduler scheduler() {
    return life;
  }

  public RandomGenerator random() {
    return random;
  }

  /** The disk as this life sees it: dead after the crash. */
  public SimDisk disk() {
    return disk;
  }

  /** Executors of this life that were not closed. */
  public List<String> openExecutors() {
    return life.openExecutors();
  }

  /** Called at every crash, for what lives outside and notices: connections for example. */
  public void whenCrashed(Runnable listener) {
    crashListeners.add(listener);
  }

  /** None of the process's tasks begins until {@link #resume}; time goes on. */
  public void pause() {
    world.trace(name + ": paused");
    life.pause();
  }

  public void resume() {
    world.trace(name + ": resumed");
    life.resume();
  }

  public boolean isPaused() {
    return life.isPaused();
  }

  /** The power fails: of what was not synced, any part may be lost. */
  public void crash() {
    crash(SimDisk.Loss.SOME);
  }

  /**
   * The process ends at once.
   *
   * @param loss {@code NONE} is a process that was killed on a machine that goes on
   */
  public void crash(SimDisk.Loss loss) {
    world.trace(name + ": life " + lives + " crashes, losing " + loss);
    life.end();
    disk = disk.afterCrash(loss);
    lives++;
    life = new SimLife(world, name);
    random = randomOfThisLife();
    bootNanos = random.nextLong() >> 8;
    crashListeners.forEach(Runnable::run);
  }

  @Override
  public String toString() {
    return name;
  }
}
