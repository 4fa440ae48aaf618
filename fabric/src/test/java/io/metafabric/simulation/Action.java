package io.metafabric.simulation;

/**
 * One step of a plan: an operation, or something that goes wrong. It says in its text form all that
 * it was drawn with, and draws nothing itself, so that a plan stays what it is when other steps are
 * left out of it.
 */
@FunctionalInterface
interface Action {
  void runIn(Simulation run);
}
