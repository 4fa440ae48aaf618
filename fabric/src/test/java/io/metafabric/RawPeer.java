package io.metafabric;

import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.FrameCodec;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Region {@code us} as seen by region {@code eu}: a socket that says what the test wants. */
final class RawPeer implements AutoCloseable {
  static final RegionName EU = new RegionName("eu");
  static final RegionName US = new RegionName("us");

  private final Socket socket;
  private final DataInputStream in;

  RawPeer(MetadataFabric fabric) throws IOException {
    this(new Socket("127.0.0.1", fabric.listening().orElseThrow().port()));
  }

  /** One that was dialled. */
  RawPeer(Socket connected) throws IOException {
    socket = connected;
    socket.setSoTimeout(10_000);
    in = new DataInputStream(socket.getInputStream());
  }

  /** What a good peer would say first, except for what is given. */
  static Frame.Hello hello(int protocol, int maxValueBytes) {
    return new Frame.Hello(
        protocol,
        protocol,
        "default",
        US,
        7,
        new ActorId(8),
        List.of(EU, US),
        maxValueBytes,
        new TreeMap<>(),
        Frame.Belonging.INITIAL);
  }

  void send(Frame frame) throws IOException {
    socket.getOutputStream().write(FrameCodec.encode(frame));
  }

  /**
   * The next frame.
   *
   * @throws IOException if the connection was closed
   */
  @Nullable Frame read() throws IOException {
    int length = in.readInt();
    // What is decoded begins with the checksum, which the length does not count.
    byte[] rest = new byte[FrameCodec.PREFIX_BYTES - Integer.BYTES + length];
    in.readFully(rest);
    return FrameCodec.decode(ByteBuffer.wrap(rest));
  }

  boolean isAtEnd() throws IOException {
    return in.read() == -1;
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
