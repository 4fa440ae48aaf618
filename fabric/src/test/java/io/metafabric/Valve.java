package io.metafabric;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Forwards connections to a port, and holds their bytes back while it is shut. */
final class Valve implements AutoCloseable {
  private final ServerSocket server;
  private final int target;
  private final List<AutoCloseable> open = new CopyOnWriteArrayList<>();
  private final Object state = new Object();
  private boolean shut;
  private boolean closed;

  Valve(int target) throws IOException {
    this.target = target;
    server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    open.add(server);
    start(this::accept);
  }

  int port() {
    return server.getLocalPort();
  }

  void shut(boolean now) {
    synchronized (state) {
      shut = now;
      state.notifyAll();
    }
  }

  private static void start(Runnable task) {
    var thread = new Thread(task, "valve");
    thread.setDaemon(true);
    thread.start();
  }

  private void accept() {
    try {
      while (true) {
        Socket from = server.accept();
        var to = new Socket(InetAddress.getLoopbackAddress(), target);
        open.add(from);
        open.add(to);
        start(() -> pump(from, to));
        start(() -> pump(to, from));
      }
    } catch (IOException e) {
      close();
    }
  }

  private void pump(Socket from, Socket to) {
    byte[] bytes = new byte[8192];
    try (from;
        to) {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      for (int read = in.read(bytes); read >= 0 && awaitOpen(); read = in.read(bytes)) {
        out.write(bytes, 0, read);
      }
    } catch (IOException | InterruptedException e) {
      // The other end has gone, and with it this connection.
    }
  }

  private boolean awaitOpen() throws InterruptedException {
    synchronized (state) {
      while (shut && !closed) {
        state.wait();
      }
      return !closed;
    }
  }

  @Override
  public void close() {
    synchronized (state) {
      closed = true;
      state.notifyAll();
    }
    for (AutoCloseable each : open) {
      try {
        each.close();
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }
  }
}
