package io.metafabric.predict;

import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.Prediction;
import java.util.List;

/**
 * Learns from reads which keys are read next. Implement it to bring a predictor of your own.
 *
 * <p>One thread at a time calls it, never one that serves a read. Given the same events and
 * contexts in the same order it should predict the same, so that a run can be replayed. One that
 * throws, or that retains more than {@link PredictorConfig#maxBytes()}, is switched off for the
 * life of its fabric; the others go on.
 */
public interface Predictor {
  /** Short, fixed and unlike that of any other predictor in the fabric. */
  String name();

  /** Learns from reads. The events of one client are in the order in which it read. */
  void observe(List<AccessEvent> events);

  /**
   * Keys that the context's client is likely to read next, likeliest first, at most {@link
   * PredictionContext#maxPredictions()}. Learns nothing.
   */
  List<Prediction> predict(PredictionContext context);

  /** An estimate of the heap that is held, in bytes. Cheap: it is asked after every observation. */
  long retainedBytes();
}
