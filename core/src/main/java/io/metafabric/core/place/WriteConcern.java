package io.metafabric.core.place;

/** Where a write is to be durable before its writer goes on. */
public enum WriteConcern {
  /** In the region that writes. */
  LOCAL,
  /** There, and in any other member. */
  ONE_OTHER_REGION,
  /** There, and in the key's home and backup, or those that stand in for them. */
  HOME_AND_BACKUP
}
