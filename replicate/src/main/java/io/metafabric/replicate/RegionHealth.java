package io.metafabric.replicate;

/** Whether a region is likely to answer, and to know the newest; the best first. */
public enum RegionHealth {
  /** It answers, and changes go both ways. */
  WELL,
  /** It answers; an operator has paused its changes, so it may lack what is new. */
  PAUSED,
  /** It is connected, and silent, new, or has come and gone too often to be trusted yet. */
  DOUBTED,
  /** There is no connection with it. */
  AWAY
}
