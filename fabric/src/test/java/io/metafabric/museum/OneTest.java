package io.metafabric.museum;

import static org.junit.platform.engine.discovery.DiscoverySelectors.selectMethod;

import java.lang.reflect.Method;
import java.util.List;
import net.jqwik.api.Property;
import org.jspecify.annotations.Nullable;
import org.junit.platform.launcher.EngineFilter;
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
    Method found = find(test);
    var summary = new SummaryGeneratingListener();
    LauncherFactory.create(withoutListeners())
        .execute(
            LauncherDiscoveryRequestBuilder.request()
                .selectors(selectMethod(test, found))
                .filters(EngineFilter.includeEngines(engineOf(found)))
                .build(),
            summary);
    TestExecutionSummary result = summary.getSummary();
    if (result.getTestsFoundCount() == 0 || result.getTestsSkippedCount() > 0) {
      throw new AssertionError(this + " did not run");
    }
    List<TestExecutionSummary.Failure> failures = result.getFailures();
    return failures.isEmpty() ? null : failures.get(0).getException();
  }

  /** Its own, or one of a contract that it extends. */
  private Method find(Class<?> test) {
    for (Class<?> each = test; each != null; each = each.getSuperclass()) {
      for (Method candidate : each.getDeclaredMethods()) {
        if (candidate.getName().equals(method) && !candidate.isSynthetic()) {
          return candidate;
        }
      }
    }
    throw new AssertionError(type + " has no test " + method);
  }

  private static String engineOf(Method test) {
    return test.isAnnotationPresent(Property.class) ? "jqwik" : "junit-jupiter";
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
