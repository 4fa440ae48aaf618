package io.metafabric.examples;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/**
 * A wide-area link on loopback: hands the bytes of every connection on, each way after a delay.
 * Bounded: a link holds so many chunks, then its sender waits.
 */
final class DelayProxy implements AutoCloseable {
  private static final int CHUNK_BYTES = 64 * 1024;
  private static final int MAX_CHUNKS = 512;

  private static final class Chunk {
    final byte[] bytes;
    final int length;
    final long dueNanos;

    Chunk(byte[] bytes, int length, long dueNanos) {
      this.bytes = bytes;
      this.length = length;
      this.dueNanos = dueNanos;
    }

    boolean isEnd() {
      return length < 0;
    }
  }

  private final ServerSocket server;
  private final int targetPort;
  private final long delayNanos;
  private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
  private volatile boolean closed;

  /**
   * @param oneWay delay of every byte
   */
  DelayProxy(int targetPort, Duration oneWay) throws IOException {
    this.server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    this.targetPort = targetPort;
    this.delayNanos = oneWay.toNanos();
    start("accept", this::accept);
  }

  int port() {
    return server.getLocalPort();
  }

  private void start(String name, Runnable task) {
    var thread = new Thread(task, "delay-" + port() + "-" + name);
    thread.setDaemon(true);
    thread.start();
  }

  private void accept() {
    while (!closed) {
      try {
        Socket from = server.accept();
        sockets.add(from);
        connect(from);
      } catch (IOException e) {
        if (!closed) {
          System.err.println("delay proxy: " + e);
        }
      }
    }
  }

  private void connect(Socket from) throws IOException {
    var to = new Socket();
    try {
      to.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), targetPort), 2000);
    } catch (IOException e) {
      // The node behind is not there: the dialler sees its connection end, as over a real link.
      end(from, to);
      return;
    }
    sockets.add(to);
    from.setTcpNoDelay(true);
    to.setTcpNoDelay(true);
    pipe(from, to);
    pipe(to, from);
  }

  private void pipe(Socket from, Socket to) {
    var queue = new ArrayBlockingQueue<Chunk>(MAX_CHUNKS);
    start("read", () -> read(from, queue));
    start("write", () -> write(from, to, queue));
  }

  private void read(Socket from, BlockingQueue<Chunk> queue) {
    try {
      InputStream in = from.getInputStream();
      int length;
      do {
        var bytes = new byte[CHUNK_BYTES];
        length = in.read(bytes);
        queue.put(new Chunk(bytes, length, System.nanoTime() + delayNanos));
      } while (length >= 0);
    } catch (IOException e) {
      queue.offer(new Chunk(new byte[0], -1, System.nanoTime()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void write(Socket from, Socket to, BlockingQueue<Chunk> queue) {
    try {
      OutputStream out = to.getOutputStream();
      for (Chunk chunk = queue.take(); !chunk.isEnd(); chunk = queue.take()) {
        TimeUnit.NANOSECONDS.sleep(chunk.dueNanos - System.nanoTime());
        out.write(chunk.bytes, 0, chunk.length);
      }
    } catch (IOException e) {
      queue.clear();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      end(from, to);
    }
  }

  private void end(Socket... both) {
    for (Socket socket : both) {
      sockets.remove(socket);
      try {
        socket.close();
      } catch (IOException e) {
        System.err.println("delay proxy: " + e);
      }
    }
  }

  @Override
  public void close() {
    closed = true;
    try {
      server.close();
    } catch (IOException e) {
      System.err.println("delay proxy: " + e);
    }
    sockets.forEach(this::end);
  }
}
