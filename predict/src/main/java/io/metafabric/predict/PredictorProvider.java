package io.metafabric.predict;

/**
 * Makes a predictor for one fabric. Found by the builder or by {@link java.util.ServiceLoader}; in
 * the second case with a public constructor without parameters.
 */
public interface PredictorProvider {
  Predictor create(PredictorConfig config);
}
