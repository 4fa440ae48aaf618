package io.metafabric.replicate.netty;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class InboxTest {
  static List<Throwable> failures() {
    return List.of(new IllegalStateException("a bug"), new AssertionError("another"));
  }

  @ParameterizedTest
  @MethodSource("failures")
  void whateverAHandlerThrows_isReported_andItsRoomIsGivenBack(Throwable thrown) {
    var turns = new ArrayDeque<Runnable>();
    var reported = new ArrayList<Throwable>();
    var called = new ArrayList<String>();
    var inbox = new Inbox(turns::add, 1000, () -> called.add("resumed"), reported::add);
    inbox.addFrame(
        2000,
        () -> {
          throw InboxTest.<RuntimeException>as(thrown);
        });
    inbox.add(() -> called.add("the next"));
    assertThat(inbox.isFull()).isTrue();

    while (!turns.isEmpty()) {
      turns.poll().run();
    }

    assertThat(reported).containsExactly(thrown);
    assertThat(called).containsExactly("resumed", "the next");
    assertThat(inbox.waitingBytes()).isZero();
    assertThat(inbox.isFull()).isFalse();
  }

  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
  private static <T extends Throwable> T as(Throwable thrown) throws T {
    throw (T) thrown;
  }
}
