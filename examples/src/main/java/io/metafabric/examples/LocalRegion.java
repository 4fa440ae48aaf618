package io.metafabric.examples;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/** A region in this JVM, for a debugger. */
final class LocalRegion implements Region {
  private final RegionRun.Settings settings;
  private final Trace trace;
  private @Nullable RegionRun run;
  private @Nullable RegionResult result;
  private CompletableFuture<Void> step = CompletableFuture.completedFuture(null);

  LocalRegion(RegionRun.Settings settings, Trace trace) {
    this.settings = settings;
    this.trace = trace;
  }

  @Override
  public void begin(Step next) {
    step =
        CompletableFuture.runAsync(
            () -> {
              try {
                perform(next);
              } catch (InterruptedException e) {
                throw new CompletionException(e);
              }
            },
            task -> new Thread(task, settings.region() + "-" + next).start());
  }

  private void perform(Step next) throws InterruptedException {
    if (next == Step.OPEN) {
      run = new RegionRun(settings, trace);
      return;
    }
    RegionRun opened = opened();
    switch (next) {
      case LOAD -> opened.load();
      case SYNC -> opened.awaitSync();
      default -> result = opened.replay();
    }
  }

  private RegionRun opened() {
    RegionRun opened = run;
    if (opened == null) {
      throw new IllegalStateException(settings.region() + " is not open");
    }
    return opened;
  }

  @Override
  public void await() throws InterruptedException {
    try {
      step.get();
    } catch (ExecutionException e) {
      throw new IllegalStateException(settings.region() + " failed: " + e.getCause(), e.getCause());
    }
  }

  @Override
  public long done() {
    RegionRun opened = run;
    return opened == null ? 0 : opened.done();
  }

  @Override
  public RegionResult result() {
    RegionResult got = result;
    if (got == null) {
      throw new IllegalStateException(settings.region() + " has no result");
    }
    return got;
  }

  @Override
  public void close() {
    RegionRun opened = run;
    if (opened != null) {
      opened.close();
    }
  }
}
