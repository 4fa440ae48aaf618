package io.metafabric.predict;

/** How often something was seen, and which part of it led to this: as one of a few classes. */
final class Evidence {
  private static final int AMOUNTS = 5;
  private static final int RATIOS = 11;

  static final int CLASSES = AMOUNTS * RATIOS;

  private Evidence() {}

  /**
   * @param count of {@code seen} times, about
   * @return from 0 and below {@value #CLASSES}
   */
  static int of(int count, int seen) {
    int amount = seen <= 1 ? 0 : seen == 2 ? 1 : seen <= 4 ? 2 : seen <= 8 ? 3 : 4;
    int ratio = (RATIOS - 1) * count / Math.max(1, Math.max(count, seen));
    return amount * RATIOS + ratio;
  }
}
