package io.metafabric.core.sim;

import io.metafabric.core.port.Scheduler;
import io.metafabric.core.port.SerialExecutor;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/** One process of a node, from its start to its crash: nothing of it happens after that. */
final class SimLife implements Scheduler {
  private final SimWorld world;
  private final String name;
  private final List<SimExecutor> executors = new ArrayList<>();
  private final ArrayDeque<Runnable> held = new ArrayDeque<>();
  private boolean alive = true;
  private boolean paused;

  SimLife(SimWorld world, String name) {
    this.world = world;
    this.name = name;
  }

  SimWorld world() {
    return world;
  }

  boolean isAlive() {
    return alive;
  }

  boolean isPaused() {
    return paused;
  }

  @Override
  public SerialExecutor serial(String executorName) {
    var executor = new SimExecutor(this, name + "/" + executorName);
    if (alive) {
      executors.add(executor);
    }
    return executor;
  }

  List<String> openExecutors() {
    return executors.stream().filter(SimExecutor::isOpen).map(SimExecutor::name).toList();
  }

  /** Runs {@code turn}, once the process is not paused, and not at all when it is dead. */
  void turn(Runnable turn) {
    if (paused) {
      held.add(turn);
    } else if (alive) {
      turn.run();
    }
  }

  void pause() {
    paused = true;
  }

  void resume() {
    paused = false;
    while (!held.isEmpty()) {
      Runnable turn = held.remove();
      world.afterNanos(0, name + " resumes", () -> turn(turn));
    }
  }

  void end() {
    alive = false;
    paused = false;
    held.clear();
    executors.forEach(SimExecutor::close);
    executors.clear();
  }
}
