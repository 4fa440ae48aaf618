package io.metafabric.core.store;

import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.ActorId;

/** All changes of a region's actor up to {@code counter} have been applied here. */
public record AppliedPrefix(RegionName region, ActorId actor, long counter) {}
