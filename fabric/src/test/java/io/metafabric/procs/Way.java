package io.metafabric.procs;

import java.util.concurrent.TimeUnit;

/** The bytes from one region to another, and what is wrong with their way. Thread-safe. */
final class Way {
  private int delayMs;
  private int bytesPerSecond = Integer.MAX_VALUE;
  private boolean swallows;
  private boolean refuses;
  private long swallowedBytes;

  synchronized void delay(int millis) {
    delayMs = millis;
    notifyAll();
  }

  synchronized void throttle(int toBytesPerSecond) {
    bytesPerSecond = toBytesPerSecond;
    notifyAll();
  }

  synchronized void hasFullSpeed() {
    delayMs = 0;
    bytesPerSecond = Integer.MAX_VALUE;
    notifyAll();
  }

  /** Whether bytes vanish, while their sender believes that they are under way. */
  synchronized void swallow(boolean now) {
    swallows = now;
    notifyAll();
  }

  synchronized void refuse(boolean now) {
    refuses = now;
  }

  synchronized boolean refuses() {
    return refuses;
  }

  synchronized long swallowedBytes() {
    return swallowedBytes;
  }

  /** Takes the time that these bytes need as things are; false if they do not arrive. */
  synchronized boolean carry(int bytes) throws InterruptedException {
    long begunNanos = System.nanoTime();
    while (!swallows) {
      long neededMs = delayMs + bytes * 1000L / bytesPerSecond;
      long leftMs = neededMs - TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begunNanos);
      if (leftMs <= 0) {
        return true;
      }
      wait(leftMs);
    }
    swallowedBytes += bytes;
    return false;
  }
}
