package io.metafabric.museum;

import static org.junit.platform.engine.discovery.DiscoverySelectors.selectMethod;

import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.platform.launcher.core.LauncherConfig;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;

/**
 * A test of the suite.
 *
 * @param type without {@code io.metafabric.}
 */
record OneTest(String type, String method) implements Catcher {
  @Override
  public @Nullable Throwable run(ClassLoader classes) throws Exception {
    Class<?> test = classes.loadClass("io.metafabric." + type);
    Method found =
        Arrays.stream(test.getDeclaredMethods())
            .filter(each -> each.getName().equals(method) && !each.isSynthetic())
            .findFirst()
            .orElseThrow(() -> new AssertionError(type + " has no test " + method));
    var summary = new SummaryGeneratingListener();
    LauncherFactory.create(withoutListeners())
        .execute(
            LauncherDiscoveryRequestBuilder.request()
                .selectors(selectMethod(test, found))
                .configurationParameter("jqwik.reporting.onlyfailures", "true")
                .build(),
            summary);
    TestExecutionSummary result = summary.getSummary();
    if (result.getTestsFoundCount() == 0 || result.getTestsSkippedCount() > 0) {
      throw new AssertionError(this + " did not run");
    }
    List<TestExecutionSummary.Failure> failures = result.getFailures();
    return failures.isEmpty() ? null : failures.get(0).getException();
  }

  @Override
  public Catcher alone() {
    return this;
  }

  @Override
  public String inTheGuide() {
    return type.substring(type.lastIndexOf('.') + 1) + "." + method;
  }

  /** Without the listeners of the run that this is in. */
  private static LauncherConfig withoutListeners() {
    return LauncherConfig.builder()
        .enableTestExecutionListenerAutoRegistration(false)
        .enableLauncherSessionListenerAutoRegistration(false)
        .enableLauncherDiscoveryListenerAutoRegistration(false)
        .build();
  }
}
