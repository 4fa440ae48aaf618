package io.metafabric.replicate.netty;

import static io.metafabric.core.stress.Interleavings.require;
import static io.metafabric.core.stress.Interleavings.together;

import io.metafabric.core.stress.ChainedThreads;
import io.metafabric.core.stress.Interleavings;
import io.metafabric.replicate.netty.OutboundQueue.Offer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A frame that is taken is written, once and in its order, because its writer is called. */
@Tag("stress")
class OutboundQueueStressTest {
  private static final int ROOM = 3 * (2 + OutboundQueue.FRAME_OVERHEAD_BYTES);

  private static final class Connection {
    final OutboundQueue queue = new OutboundQueue(ROOM, ROOM);
    final ChainedThreads loop = new ChainedThreads();
    final List<byte[]> written = new ArrayList<>();
    final AtomicInteger taken = new AtomicInteger();
    final AtomicInteger told = new AtomicInteger();

    void send(int sender, int number, boolean control) {
      Offer offer = queue.offer(new byte[] {(byte) sender, (byte) number}, control);
      if (offer == Offer.CALL_WRITER) {
        loop.execute(this::write);
      }
      if (offer != Offer.FULL) {
        taken.incrementAndGet();
      }
    }

    private void write() {
      queue.writerCame();
      for (var batch = queue.poll(4); batch != null; batch = queue.poll(4)) {
        written.addAll(batch.frames());
        if (queue.release(batch)) {
          told.incrementAndGet();
        }
      }
    }

    void requireOrder(int sender) {
      int before = -1;
      for (byte[] frame : written) {
        if (frame[0] == sender) {
          require(frame[1] > before, "out of order");
          before = frame[1];
        }
      }
    }
  }

  @Test
  void noFrameIsLeftBehind_andAllRoomIsGivenBack() {
    Interleavings.ofProgram(
        () -> {
          var connection = new Connection();
          together(
              () -> {
                for (int i = 0; i < 4; i++) {
                  connection.send(0, i, false);
                }
              },
              () -> {
                for (int i = 0; i < 2; i++) {
                  connection.send(1, i, true);
                }
              });
          connection.loop.await();
          require(connection.written.size() == connection.taken.get(), "left behind");
          require(connection.queue.waitingBytes() == 0, "room is lost");
          require(connection.taken.get() == 6 || connection.told.get() > 0, "refused for ever");
          connection.requireOrder(0);
          connection.requireOrder(1);
        });
  }

  @Test
  void whoFindsDataWaiting_isToldWhenThereIsNone() {
    Interleavings.ofProgram(
        () -> {
          var connection = new Connection();
          var drained = new boolean[1];
          together(
              () -> connection.send(0, 0, false), () -> drained[0] = connection.queue.isDrained());
          connection.loop.await();
          require(drained[0] || connection.told.get() == 1, "never told");
        });
  }
}
