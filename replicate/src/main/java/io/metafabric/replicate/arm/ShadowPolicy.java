package io.metafabric.replicate.arm;

/**
 * What a shadow costs and brings. Pure; in micro-dollars.
 *
 * <pre>
 * to make one = (payload + overhead) x transfer price, if it is sent for that
 *             + payload x time to live x storage price
 * earned      = reads x remoteMs x price of a millisecond + updates that were read x transfer price
 * cost since  = updates x transfer price + payload x time x storage price
 * </pre>
 *
 * @param overheadBytes what a record that is sent for the shadow costs on the wire beside its
 *     payload; updates go along with their headers
 */
record ShadowPolicy(Prices prices, int overheadBytes) {
  private static final double MS_PER_HOUR = 3_600_000;

  /** What is to be paid, beside what one read of it is worth. */
  Appraisal making(CopyTerms terms, boolean isSent, double forMs) {
    double transfer = isSent ? (double) wireBytes(terms) * price(terms) : 0;
    return appraisal(terms, 1, 0, 0, transfer, 0, forMs);
  }

  /** What it has brought, beside what it has cost meanwhile. */
  Appraisal earned(ShadowUse use) {
    CopyTerms terms = use.terms();
    double spared =
        use.reads() == 0 ? 0 : (double) use.readBytes() * price(terms) / (double) use.reads();
    double updating = (double) use.updateBytes() * price(terms);
    return appraisal(
        terms, (double) use.reads(), (double) use.updates(), spared, 0, updating, use.overMs());
  }

  /** What is free is worth a read; what nobody read is not. */
  static boolean pays(Appraisal earned) {
    return earned.reads() > 0 && earned.benefit() >= earned.cost();
  }

  private Appraisal appraisal(
      CopyTerms terms,
      double reads,
      double updates,
      double spared,
      double transfer,
      double updating,
      double forMs) {
    double storage = terms.payloadBytes() * prices.stored(terms.to()) * forMs / MS_PER_HOUR;
    double perMs = prices.saved(terms.to());
    return new Appraisal(
        1, reads, updates, terms.remoteMs(), perMs, spared, transfer, storage, updating, 1, 1);
  }

  private double price(CopyTerms terms) {
    return prices.transferred(terms.from(), terms.to());
  }

  /** What it takes on the link to send one. */
  long wireBytes(CopyTerms terms) {
    return (long) terms.payloadBytes() + overheadBytes;
  }
}
