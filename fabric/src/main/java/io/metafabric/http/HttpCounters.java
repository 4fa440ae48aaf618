package io.metafabric.http;

import java.util.EnumMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/** Thread-safe. */
final class HttpCounters {
  final AtomicLong connections = new AtomicLong();
  final AtomicInteger open = new AtomicInteger();
  final AtomicLong requests = new AtomicLong();
  private final AtomicLong answered = new AtomicLong();
  private final AtomicLong failed = new AtomicLong();
  private final AtomicLongArray refused = new AtomicLongArray(HttpRefusal.values().length);

  void refused(HttpRefusal reason) {
    refused.incrementAndGet(reason.ordinal());
  }

  void count(Answer answer) {
    HttpRefusal reason = answer.refusal();
    if (reason != null) {
      refused(reason);
    } else if (answer.status() >= 500) {
      failed.incrementAndGet();
    } else {
      answered.incrementAndGet();
    }
  }

  HttpStats snapshot() {
    var byReason = new EnumMap<HttpRefusal, Long>(HttpRefusal.class);
    for (HttpRefusal reason : HttpRefusal.values()) {
      long count = refused.get(reason.ordinal());
      if (count > 0) {
        byReason.put(reason, count);
      }
    }
    return new HttpStats(
        connections.get(), open.get(), requests.get(), answered.get(), failed.get(), byReason);
  }
}
