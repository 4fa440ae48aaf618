package io.metafabric.node;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.record.RegionName;
import io.metafabric.predict.Predictor;
import io.metafabric.predict.PredictorConfig;
import io.metafabric.predict.PredictorProvider;
import io.metafabric.predict.Retraining;
import io.metafabric.predict.SequencePredictor;
import io.metafabric.predict.Source;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.ServiceLoader;
import org.jspecify.annotations.Nullable;

/** The predictors of one fabric: the library's, those on the class path, those of the builder. */
public final class Predictors {
  private Predictors() {}

  /**
   * @param sources of the library's own predictor
   * @param retraining where ranking models are trained; null for none
   * @throws ConfigurationException if two have the same name
   */
  public static List<Predictor> all(
      List<PredictorProvider> given,
      List<Source> sources,
      RegionName region,
      long seed,
      @Nullable Retraining retraining) {
    var config = new PredictorConfig(region, PredictorConfig.DEFAULT_MAX_BYTES, seed);
    var all = new ArrayList<Predictor>();
    all.add(new SequencePredictor(config, sources, retraining));
    ServiceLoader.load(PredictorProvider.class, Predictors.class.getClassLoader())
        .forEach(provider -> all.add(provider.create(config)));
    given.forEach(provider -> all.add(provider.create(config)));
    var names = new HashSet<String>();
    for (Predictor predictor : all) {
      if (!names.add(predictor.name())) {
        throw new ConfigurationException(
            "two predictors are named \"" + predictor.name() + "\"; rename or remove one");
      }
    }
    return all;
  }
}
