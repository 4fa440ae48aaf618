package io.metafabric.cache;

/** Is told of prefetched payloads that left before anyone had read them. Must not block. */
@FunctionalInterface
public interface WasteListener {
  void wasted(String predictor, String path, int payloadBytes);
}
