package io.metafabric.replicate.netty;

import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.wire.FrameCodec;
import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Cuts a stream of bytes into frames. Not thread-safe.
 *
 * <p>A length is checked before anything is kept for it, and what is kept grows with the bytes that
 * came, not with those that were announced: an idle connection holds nothing.
 */
final class FrameReader {
  /** Takes what follows the length of a frame; valid during the call. */
  interface Sink {
    void onFrameBytes(ByteBuffer checksumAndBody);
  }

  private static final int LENGTH_BYTES = Integer.BYTES;
  private static final int FIRST_CAPACITY = 512;

  private final IntSupplier maxLength;
  private final Sink sink;

  /** The beginning of a frame whose end has not come; null between frames. */
  private byte @Nullable [] partial;

  private int have;

  FrameReader(IntSupplier maxLength, Sink sink) {
    this.maxLength = maxLength;
    this.sink = sink;
  }

  /** Whether a frame has begun whose end has not come. */
  boolean isWithinFrame() {
    return partial != null;
  }

  /**
   * Reads all of {@code in}.
   *
   * @throws WireFormatException if a length is not one; what the sink throws passes through
   */
  void read(ByteBuf in) {
    while (in.isReadable()) {
      if (partial != null || !readWhole(in)) {
        readPart(in);
      }
    }
  }

  /** Spares the copy where a frame lies in {@code in} from end to end, which is the common case. */
  private boolean readWhole(ByteBuf in) {
    if (in.readableBytes() < LENGTH_BYTES) {
      return false;
    }
    int total = totalBytes(in.getInt(in.readerIndex()));
    if (in.readableBytes() < total) {
      return false;
    }
    ByteBuffer view = in.nioBuffer(in.readerIndex() + LENGTH_BYTES, total - LENGTH_BYTES);
    in.skipBytes(total);
    sink.onFrameBytes(view);
    return true;
  }

  private void readPart(ByteBuf in) {
    byte[] bytes = partial == null ? new byte[FIRST_CAPACITY] : partial;
    int target = have < LENGTH_BYTES ? LENGTH_BYTES : totalBytes(lengthIn(bytes));
    int taken = Math.min(target - have, in.readableBytes());
    if (have + taken > bytes.length) {
      bytes = Arrays.copyOf(bytes, Math.min(target, Math.max(have + taken, 2 * bytes.length)));
    }
    partial = bytes;
    in.readBytes(bytes, have, taken);
    have += taken;
    if (have == LENGTH_BYTES) {
      totalBytes(lengthIn(bytes)); // refuses a bad length before more of the frame is kept
    } else if (have == target && target > LENGTH_BYTES) {
      partial = null;
      have = 0;
      sink.onFrameBytes(ByteBuffer.wrap(bytes, LENGTH_BYTES, target - LENGTH_BYTES));
    }
  }

  private static int lengthIn(byte[] begun) {
    return ByteBuffer.wrap(begun).getInt();
  }

  private int totalBytes(int length) {
    int max = maxLength.getAsInt();
    if (length < FrameCodec.MIN_LENGTH || length > max) {
      throw new WireFormatException(
          "a frame claims "
              + Integer.toUnsignedString(length)
              + " bytes; "
              + FrameCodec.MIN_LENGTH
              + " to "
              + max
              + " are allowed here");
    }
    return FrameCodec.PREFIX_BYTES + length;
  }
}
