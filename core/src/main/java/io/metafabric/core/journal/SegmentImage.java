package io.metafabric.core.journal;

import java.util.List;

/**
 * What is known of a segment without reading it. Immutable.
 *
 * @param number in the frame table
 * @param endOffset of the frames
 * @param fileBytes length of the file, which may have more than frames
 */
record SegmentImage(
    SegmentName name,
    int number,
    long endPosition,
    long endOffset,
    long fileBytes,
    List<Checkpoints.Checkpoint> checkpoints) {}
