package io.metafabric.examples;

import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A region in this JVM, for a debugger. */
final class LocalRegion implements Region {
  private final RegionRun.Settings settings;
  private final Trace trace;
  private volatile @Nullable RegionRun run;
  private volatile @Nullable RegionResult result;

  LocalRegion(RegionRun.Settings settings, Trace trace) {
    this.settings = settings;
    this.trace = trace;
  }

  @Override
  public CompletableFuture<Void> begin(Step next) {
    var step = new CompletableFuture<Void>();
    var thread = new Thread(() -> complete(step, next), settings.region() + "-" + next);
    thread.start();
    return step;
  }

  private void complete(CompletableFuture<Void> step, Step next) {
    try {
      perform(next);
      step.complete(null);
    } catch (InterruptedException | RuntimeException | Error e) {
      step.completeExceptionally(
          new IllegalStateException("region " + settings.region() + " failed: " + e, e));
    }
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
