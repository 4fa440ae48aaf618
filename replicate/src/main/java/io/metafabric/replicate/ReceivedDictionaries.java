package io.metafabric.replicate;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.wire.Frame;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The dictionaries that a peer has sent over one connection: one in each place, gone with the
 * connection. Belongs to the loop.
 */
final class ReceivedDictionaries {
  /** A frame and its bytes, by estimate. */
  private static final int ENTRY_BYTES = 80;

  static final long MAX_BYTES =
      (long) Frame.Dictionary.PLACES * (ENTRY_BYTES + Frame.Dictionary.MAX_BYTES);

  private final Frame.@Nullable Dictionary[] places = new Frame.Dictionary[Frame.Dictionary.PLACES];
  private final AtomicLong total;

  /**
   * @param total of all connections: what is held here is added to it
   */
  ReceivedDictionaries(AtomicLong total) {
    this.total = total;
  }

  void take(Frame.Dictionary dictionary) {
    replace(dictionary.place(), dictionary);
  }

  /** Null if it is not here, or not any more. */
  @Nullable Bytes find(long number) {
    for (Frame.Dictionary each : places) {
      if (each != null && each.number() == number) {
        return each.bytes();
      }
    }
    return null;
  }

  /** The connection has ended. */
  void clear() {
    for (int place = 0; place < places.length; place++) {
      replace(place, null);
    }
  }

  private void replace(int place, Frame.@Nullable Dictionary next) {
    total.addAndGet(bytesOf(next) - bytesOf(places[place]));
    places[place] = next;
  }

  private static long bytesOf(Frame.@Nullable Dictionary dictionary) {
    return dictionary == null ? 0 : ENTRY_BYTES + dictionary.bytes().length();
  }
}
