package io.metafabric.procs;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.util.concurrent.atomic.AtomicInteger;

/** One connection through the proxy: two sockets, and a thread for each direction. */
final class Wire {
  private static final int CHUNK_BYTES = 16 * 1024;

  /** One direction. */
  private static final class Half {
    final Socket in;
    final Socket out;
    final Way way;
    // The receiver was told that nothing more comes, and nothing more is given to it.
    volatile boolean ended;
    // The receiver is not told that the sender has gone.
    volatile boolean silent;

    Half(Socket in, Socket out, Way way) {
      this.in = in;
      this.out = out;
      this.way = way;
    }
  }

  private final Half there;
  private final Half back;
  private final Runnable gone;
  private final AtomicInteger endedHalves = new AtomicInteger();

  /**
   * @param gone is run once both directions have ended
   */
  Wire(Socket dialler, Socket target, Way there, Way back, Runnable gone) {
    this.there = new Half(dialler, target, there);
    this.back = new Half(target, dialler, back);
    this.gone = gone;
  }

  void start() {
    start(there);
    start(back);
  }

  private void start(Half half) {
    var thread = new Thread(() -> pump(half), "wire");
    thread.setDaemon(true);
    thread.start();
  }

  private void pump(Half half) {
    try {
      forwardAll(half);
      if (!half.silent && !half.ended) {
        half.out.shutdownOutput();
      }
    } catch (IOException | InterruptedException e) {
      if (!half.silent) {
        close();
      }
    } finally {
      if (endedHalves.incrementAndGet() == 2) {
        close();
        gone.run();
      }
    }
  }

  private static void forwardAll(Half half) throws IOException, InterruptedException {
    var bytes = new byte[CHUNK_BYTES];
    InputStream in = half.in.getInputStream();
    OutputStream out = half.out.getOutputStream();
    for (int read = in.read(bytes); read >= 0; read = in.read(bytes)) {
      if (half.way.carry(read) && !half.ended) {
        try {
          out.write(bytes, 0, read);
        } catch (IOException e) {
          if (!half.ended) {
            throw e;
          }
        }
      }
    }
  }

  /**
   * Whoever receives what takes this way sees the end of the stream; the sender is told nothing,
   * and what it goes on to send is lost.
   */
  void halfClose(Way way) {
    Half half = there.way == way ? there : back;
    Half other = half == there ? back : there;
    other.silent = true;
    half.ended = true;
    try {
      half.out.shutdownOutput();
    } catch (IOException e) {
      // It has ended already.
    }
  }

  /** Both sides see their connection torn down. */
  void reset() {
    for (Socket socket : new Socket[] {there.in, there.out}) {
      try {
        socket.setSoLinger(true, 0);
      } catch (IOException e) {
        // It is closed already.
      }
    }
    close();
  }

  void close() {
    for (Socket socket : new Socket[] {there.in, there.out}) {
      try {
        socket.close();
      } catch (IOException e) {
        throw new IllegalStateException(e);
      }
    }
  }
}
