package io.metafabric.core.stress;

import java.util.ArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jetbrains.lincheck.Lincheck;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;

/**
 * Tries orders in which threads may take their steps. The model checker of Lincheck chooses them
 * where it can; it sees no memory outside of the heap, and knows no order but of whole steps, so
 * some tests let real threads race.
 */
public final class Interleavings {
  /** {@code -Dstress.times}: so many times what the build tries. */
  private static final int TIMES = Integer.getInteger("stress.times", 1);

  private static final int SCENARIOS = 6;
  private static final int ORDERS_OF_EACH = 60;
  private static final int ORDERS_OF_A_PROGRAM = 100;

  /** One thread's part. */
  @FunctionalInterface
  public interface Part {
    void run() throws Exception;
  }

  private Interleavings() {}

  public static int times(int inTheBuild) {
    return Math.multiplyExact(inTheBuild, TIMES);
  }

  /**
   * Calls the {@code Operation}s of a class from three threads: what they return must be what they
   * return one after the other, in some order.
   */
  public static void ofOperations(Class<?> operations) {
    new ModelCheckingOptions()
        .threads(3)
        .actorsPerThread(2)
        .actorsBefore(1)
        .actorsAfter(1)
        .iterations(times(SCENARIOS))
        .invocationsPerIteration(ORDERS_OF_EACH)
        .check(operations);
  }

  /** Runs a program that starts threads and throws if it does not like what they did. */
  public static void ofProgram(Runnable program) {
    Lincheck.runConcurrentTest(times(ORDERS_OF_A_PROGRAM), program);
  }

  /** Inside of a program: runs all parts beside each other, and throws what the first one threw. */
  public static void together(Part... parts) {
    var failure = new AtomicReference<Throwable>();
    var threads = new ArrayList<Thread>();
    for (Part part : parts) {
      threads.add(new Thread(() -> run(part, failure)));
    }
    threads.forEach(Thread::start);
    threads.forEach(Interleavings::join);
    rethrow(failure.get());
  }

  /** The same for real threads: they wait for each other, and begin at one moment. */
  public static void race(Part... parts) {
    var missing = new AtomicInteger(parts.length);
    var begun = new Part[parts.length];
    for (int i = 0; i < parts.length; i++) {
      Part part = parts[i];
      begun[i] =
          () -> {
            missing.decrementAndGet();
            while (missing.get() > 0) {
              Thread.yield();
            }
            part.run();
          };
    }
    together(begun);
  }

  /** Fails if it is not so. */
  public static void require(boolean so, String what) {
    if (!so) {
      throw new AssertionError(what);
    }
  }

  private static void run(Part part, AtomicReference<Throwable> failure) {
    try {
      part.run();
    } catch (Throwable e) {
      failure.compareAndSet(null, e);
    }
  }

  static void join(Thread thread) {
    try {
      thread.join();
    } catch (InterruptedException e) {
      throw new IllegalStateException("interrupted while others run", e);
    }
  }

  private static void rethrow(Throwable failure) {
    if (failure instanceof Error error) {
      throw error;
    }
    if (failure != null) {
      throw new AssertionError(failure);
    }
  }
}
