package io.metafabric.replicate.arm;

/**
 * What to do with a payload in a region that need not hold it. Immutable; amounts in micro-dollars.
 *
 * @param forMs how long to keep it unless it is needed before; 0 for not at all
 * @param chance that it is needed within that
 * @param lack what it would cost to fetch it then
 * @param storing what keeping it for that long costs, as a mean
 */
record Keeping(double forMs, double chance, double lack, double storing) {
  static final Keeping NOT = new Keeping(0, 0, 0, 0);

  /** Of that, without what it costs to send it. */
  double worth() {
    return chance * lack - storing;
  }
}
