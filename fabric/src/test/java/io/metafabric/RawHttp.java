package io.metafabric;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.metafabric.core.transport.PeerAddress;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;

/** A client that says what it wants to, and no more than that. */
final class RawHttp implements AutoCloseable {
  private final Socket socket;

  RawHttp(PeerAddress address) throws IOException {
    socket = new Socket(address.host(), address.port());
    socket.setSoTimeout(20_000);
  }

  void say(String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(UTF_8));
    socket.getOutputStream().flush();
  }

  /** One answer, head and body. */
  String answer() throws IOException {
    InputStream in = socket.getInputStream();
    var head = new ByteArrayOutputStream();
    while (!head.toString(UTF_8).endsWith("\r\n\r\n")) {
      int next = in.read();
      if (next < 0) {
        throw new IOException("the end, after " + head.toString(UTF_8));
      }
      head.write(next);
    }
    String text = head.toString(UTF_8);
    int at = text.indexOf("content-length: ");
    int length = at < 0 ? 0 : Integer.parseInt(text.substring(at + 16, text.indexOf('\r', at)));
    return text + new String(in.readNBytes(length), UTF_8);
  }

  /** Whether nothing more comes: the server has closed. */
  boolean isAtEnd() throws IOException {
    return socket.getInputStream().read() < 0;
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
