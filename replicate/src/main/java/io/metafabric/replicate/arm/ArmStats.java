package io.metafabric.replicate.arm;

/**
 * What the ARM decided since it was made. Immutable. All of {@code considered} are in exactly one
 * of {@code copied}, {@code improbable}, {@code tooCostly}, {@code overBudget}, {@code
 * switchedOff}.
 *
 * @param copied decided to be copied
 * @param copiedBytes of their payloads, and what their messages take beside
 * @param overBudgetBytes what the budget refused
 * @param forgotten decisions that have left the log and can no longer be explained
 */
public record ArmStats(
    long considered,
    long copied,
    long copiedBytes,
    long improbable,
    long tooCostly,
    long overBudget,
    long overBudgetBytes,
    long switchedOff,
    long forgotten) {}
