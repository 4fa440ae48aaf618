package io.metafabric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.Prediction;
import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.record.Key;
import io.metafabric.core.transport.FreePorts;
import io.metafabric.predict.ForesightStats.PerPredictor;
import io.metafabric.predict.PastPrediction;
import io.metafabric.predict.PredictionContext;
import io.metafabric.predict.PredictionScore;
import io.metafabric.predict.Predictor;
import io.metafabric.predict.PredictorConfig;
import io.metafabric.predict.PredictorProvider;
import io.metafabric.replicate.arm.Prices;
import java.io.File;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.UnaryOperator;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Predictors of the host's: through the builder, and through the service loader. */
class PredictorSpiTest {
  @TempDir Path directory;

  /** Says that {@code n/8} follows {@code n/7}; its "retained bytes" are the reads it was shown. */
  static final class NextNumber implements Predictor {
    static final String NAME = "next-number";

    private long observed;

    @Override
    public String name() {
      return NAME;
    }

    @Override
    public void observe(List<AccessEvent> events) {
      observed += events.size();
    }

    @Override
    public List<Prediction> predict(PredictionContext context) {
      Key last = Key.of(context.lastKeys().get(0));
      Key next = Key.of(last.namespace() + "/" + (Integer.parseInt(last.id()) + 1));
      return List.of(
          new Prediction(next, context.region(), 1, context.horizon(), "after " + last, NAME));
    }

    @Override
    public long retainedBytes() {
      return observed;
    }
  }

  /** What a service file names. */
  public static final class Provider implements PredictorProvider {
    @Override
    public Predictor create(PredictorConfig config) {
      return new NextNumber();
    }
  }

  private MetadataFabric open(
      int region, List<Integer> ports, UnaryOperator<FabricBuilder> settings) {
    FabricBuilder builder =
        MetadataFabric.builder()
            .region(ThreeFabricsTest.REGIONS.get(region))
            .directory(directory.resolve("" + region))
            .listen("127.0.0.1:" + ports.get(region))
            .home("n", ThreeFabricsTest.REGIONS.get(0), ThreeFabricsTest.REGIONS.get(1));
    for (int other = 0; other < 3; other++) {
      if (other != region) {
        builder.peer(ThreeFabricsTest.REGIONS.get(other), "127.0.0.1:" + ports.get(other));
      }
    }
    return settings.apply(builder).open();
  }

  @Test
  void onesPredictor_givenToTheBuilder_isShownReads_andItsPrefetchesAreMadeAndUsed()
      throws Exception {
    List<Integer> ports = FreePorts.take(3);
    // Without delay between the regions nothing would pay at the usual prices.
    var everythingPays = new Prices(0, 0, 1);
    try (var eu = open(0, ports, UnaryOperator.identity());
        var us = open(1, ports, UnaryOperator.identity());
        var ap = open(2, ports, b -> b.predictor(new Provider()).prices(everythingPays))) {
      putThree(eu);
      ThreeFabricsTest.awaitSync(eu, us, ap);
      Records reader = ap.as("reader");
      await("n/1 comes because n/0 was read")
          .atMost(Duration.ofSeconds(20))
          .untilAsserted(() -> isPrefetchedOnRead(ap, reader));
      assertThat(reader.get("n/1").orElseThrow().bytes()).containsExactly(1);
      assertThat(ap.stats().reads().prefetched()).isEqualTo(1);
      await("its use is counted")
          .atMost(Duration.ofSeconds(20))
          .until(() -> statsOf(ap).used() >= 1);
      assertThat(statsOf(ap).made()).isPositive();
      assertThat(statsOf(ap).retainedBytes()).as("reads that it was shown").isGreaterThan(1);
      assertThat(statsOf(ap).failed()).isFalse();
      assertThat(ap.explain("n/1").predictions())
          .anyMatch(
              said ->
                  said.predictor().equals(NextNumber.NAME)
                      && said.reason().equals("after n/0")
                      && said.probability() == 1
                      && said.result() == PastPrediction.Result.USED);
      PredictionScore score =
          ap.stats().prefetch().foresight().scores().stream()
              .filter(each -> each.predictor().equals(NextNumber.NAME))
              .findFirst()
              .orElseThrow();
      assertThat(score.used()).isPositive();
      assertThat(score.needs()).isPositive();
      assertThat(score.foreseen()).isPositive();
      assertThat(score.region()).isEqualTo(ThreeFabricsTest.REGIONS.get(2));
    }
  }

  @Test
  void switchedOff_nothingIsFetchedAhead_andSwitchedOnItIsAgain() throws Exception {
    List<Integer> ports = FreePorts.take(3);
    var everythingPays = new Prices(0, 0, 1);
    try (var eu = open(0, ports, UnaryOperator.identity());
        var us = open(1, ports, UnaryOperator.identity());
        var ap = open(2, ports, b -> b.predictor(new Provider()).prices(everythingPays))) {
      putThree(eu);
      ThreeFabricsTest.awaitSync(eu, us, ap);
      ap.setPrediction(false);
      assertThat(ap.stats().prefetch().enabled()).isFalse();
      Records reader = ap.as("reader");
      await("reads are learned from all the same")
          .atMost(Duration.ofSeconds(20))
          .until(() -> reader.get("n/0").isPresent() && statsOf(ap).retainedBytes() > 0);
      assertThat(ap.stats().prefetch().requested()).isZero();
      assertThat(ap.explain("n/1").inHotTier()).isFalse();

      ap.setPrediction(true);
      await("n/1 comes because n/0 is read")
          .atMost(Duration.ofSeconds(20))
          .untilAsserted(() -> isPrefetchedOnRead(ap, reader));
    }
  }

  private static void putThree(MetadataFabric home) {
    // So that it sends headers alone, however long a first round trip seemed to be.
    home.setPrediction(false);
    for (int i = 0; i < 3; i++) {
      home.put("n/" + i, new byte[] {(byte) i});
    }
  }

  private static void isPrefetchedOnRead(MetadataFabric fabric, Records reader) {
    assertThat(reader.get("n/0")).isPresent();
    assertThat(fabric.explain("n/1"))
        .as("%s", fabric.stats().prefetch())
        .matches(Explanation::inHotTier, "is in the hot tier");
  }

  private static PerPredictor statsOf(MetadataFabric fabric) {
    return fabric.stats().prefetch().foresight().predictors().stream()
        .filter(each -> each.name().equals(NextNumber.NAME))
        .findFirst()
        .orElseThrow();
  }

  /** Runs in a class loader that has a service file; the other tests' have none. */
  public static final class WithServiceFile implements Callable<List<String>> {
    private final Path directory;

    public WithServiceFile(Path directory) {
      this.directory = directory;
    }

    @Override
    public List<String> call() {
      try (var fabric = MetadataFabric.builder().directory(directory).open()) {
        fabric.put("n/1", new byte[1]);
        await("it is shown a read")
            .atMost(Duration.ofSeconds(20))
            .until(() -> fabric.get("n/1").isPresent() && statsOf(fabric).retainedBytes() > 0);
        return fabric.stats().prefetch().foresight().predictors().stream()
            .map(PerPredictor::name)
            .toList();
      }
    }
  }

  @Test
  void aPredictorOnTheClassPath_isFoundByItsServiceFile() throws Exception {
    Path services = Files.createDirectories(directory.resolve("classes/META-INF/services"));
    Files.writeString(
        services.resolve(PredictorProvider.class.getName()), Provider.class.getName());
    var urls = new ArrayList<URL>();
    urls.add(directory.resolve("classes").toUri().toURL());
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
      urls.add(Path.of(entry).toUri().toURL());
    }
    try (var loader =
        new URLClassLoader(urls.toArray(URL[]::new), ClassLoader.getPlatformClassLoader())) {
      var scenario =
          (Callable<?>)
              loader
                  .loadClass(WithServiceFile.class.getName())
                  .getConstructor(Path.class)
                  .newInstance(directory.resolve("fabric"));
      assertThat(scenario.call())
          .asInstanceOf(InstanceOfAssertFactories.list(String.class))
          .hasSize(2)
          .contains(NextNumber.NAME);
    }
    try (var fabric = MetadataFabric.builder().directory(directory.resolve("fabric")).open()) {
      assertThat(fabric.stats().prefetch().foresight().predictors())
          .as("here is no service file")
          .hasSize(1);
    }
  }

  @Test
  void twoOfOneName_areRefused() {
    Set<String> threadsBefore = OpenAndCloseTest.threads();
    FabricBuilder builder =
        MetadataFabric.builder()
            .directory(directory.resolve("fabric"))
            .predictor(new Provider())
            .predictor(new Provider());
    assertThatThrownBy(builder::open)
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("two predictors are named \"next-number\"");
    assertThat(OpenAndCloseTest.threads()).isSubsetOf(threadsBefore);
  }
}
