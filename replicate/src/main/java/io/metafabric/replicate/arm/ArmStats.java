package io.metafabric.replicate.arm;

/**
 * @param copied decided to be copied
 * @param copiedBytes of their payloads
 */
public record ArmStats(
    long considered,
    long copied,
    long copiedBytes,
    long improbable,
    long tooCostly,
    long overBudget) {}
