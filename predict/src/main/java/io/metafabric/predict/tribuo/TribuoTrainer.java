package io.metafabric.predict.tribuo;

import io.metafabric.predict.RankingExamples;
import io.metafabric.predict.RankingTrainer;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.tribuo.Example;
import org.tribuo.MutableDataset;
import org.tribuo.classification.Label;
import org.tribuo.classification.LabelFactory;
import org.tribuo.classification.sgd.linear.LinearSGDModel;
import org.tribuo.classification.sgd.linear.LinearSGDTrainer;
import org.tribuo.classification.sgd.objectives.LogMulticlass;
import org.tribuo.impl.ArrayExample;
import org.tribuo.math.la.DenseMatrix;
import org.tribuo.math.optimisers.AdaGrad;
import org.tribuo.provenance.SimpleDataSourceProvenance;

/**
 * Tribuo's logistic regression. Of its model only the weights are kept: with two outcomes their
 * difference is all that a probability needs. Not to be loaded where {@link
 * TribuoSupport#isPresent} says no.
 */
public final class TribuoTrainer implements RankingTrainer {
  /**
   * Tribuo tells java.util.logging of each training. Kept, so that what is said here stays said; a
   * level that the host has set is left alone.
   */
  @SuppressWarnings("unused")
  private static final Logger TRIBUOS_LOGGER = quiet();

  private static final int EPOCHS = 5;
  private static final int MINIBATCH = 16;
  private static final double RATE = 0.2;
  private static final double EPSILON = 0.1;

  static final Label CAME_TRUE = new Label("came true");
  static final Label DID_NOT = new Label("did not");

  private final LabelFactory labels = new LabelFactory();

  private static Logger quiet() {
    Logger logger = Logger.getLogger("org.tribuo");
    if (logger.getLevel() == null) {
      logger.setLevel(Level.WARNING);
    }
    return logger;
  }

  @Override
  public String name() {
    return "Tribuo";
  }

  @Override
  public double[] train(RankingExamples examples, long seed) {
    return weights(fit(examples, seed), examples.features());
  }

  LinearSGDModel fit(RankingExamples examples, long seed) {
    // Tribuo notes where data come from; the time that it would read from a clock says nothing.
    var from =
        new SimpleDataSourceProvenance(
            "proposals", OffsetDateTime.of(1970, 1, 1, 0, 0, 0, 0, ZoneOffset.UTC), labels);
    var data = new MutableDataset<Label>(from, labels);
    String[] names = names(examples.features());
    for (int i = 0; i < examples.count(); i++) {
      data.add(example(examples, i, names));
    }
    var trainer =
        new LinearSGDTrainer(
            new LogMulticlass(), new AdaGrad(RATE, EPSILON), EPOCHS, -1, MINIBATCH, seed);
    return trainer.train(data);
  }

  /** The first feature is left out: Tribuo adds one that is always 1 by itself. */
  static Example<Label> example(RankingExamples examples, int i, String[] names) {
    var values = new double[names.length];
    for (int feature = 0; feature < names.length; feature++) {
      values[feature] = examples.value(i, feature + 1);
    }
    return new ArrayExample<>(examples.cameTrue(i) ? CAME_TRUE : DID_NOT, names, values);
  }

  /** Of all features but the first. */
  static String[] names(int features) {
    var names = new String[features - 1];
    for (int i = 0; i < names.length; i++) {
      names[i] = "f" + (i + 1);
    }
    return names;
  }

  private static double[] weights(LinearSGDModel model, int features) {
    DenseMatrix all = model.getWeightsCopy();
    int yes = model.getOutputIDInfo().getID(CAME_TRUE);
    int no = model.getOutputIDInfo().getID(DID_NOT);
    var weights = new double[features];
    int bias = all.getDimension2Size() - 1;
    weights[0] = all.get(yes, bias) - all.get(no, bias);
    String[] names = names(features);
    for (int i = 0; i < names.length; i++) {
      int id = model.getFeatureIDMap().getID(names[i]);
      if (id >= 0) {
        weights[i + 1] = all.get(yes, id) - all.get(no, id);
      }
    }
    return weights;
  }
}
