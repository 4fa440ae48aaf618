/**
 * A whole fabric of two to five regions on one thread in virtual time, under a random plan of
 * operations and faults. A seed gives the plan, and every event of the run.
 */
package io.metafabric.simulation;
