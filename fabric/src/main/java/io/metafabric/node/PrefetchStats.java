package io.metafabric.node;

import io.metafabric.predict.ForesightStats;
import io.metafabric.replicate.arm.ArmStats;

/**
 * @param enabled the kill switch
 * @param requested payloads asked for ahead of their reads
 * @param arrived of these, those that came
 * @param used read at least once while they were here, or waited for on their way
 * @param wasted gone before anyone read them
 * @param accessesDropped reads that were not learned from, because the ring was full or contended
 */
public record PrefetchStats(
    boolean enabled,
    long requested,
    long arrived,
    long used,
    long wasted,
    long accessesRecorded,
    long accessesDropped,
    ArmStats arm,
    ForesightStats foresight) {}
