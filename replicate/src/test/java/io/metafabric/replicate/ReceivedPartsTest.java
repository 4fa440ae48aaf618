package io.metafabric.replicate;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.version.ActorId;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class ReceivedPartsTest {
  private static final ActorId A = new ActorId(1);
  private static final ActorId B = new ActorId(2);

  private final ReceivedParts parts = new ReceivedParts();

  @Test
  void whatIsTaken_isPublished_onceItIsSaidSo() {
    int first = parts.takes(A, 10);
    int second = parts.takes(A, 20);
    assertThat(parts.takenUpTo(A)).isEqualTo(20);
    assertThat(parts.publishedUpTo(A)).isZero();

    assertThat(parts.isPublished(A, 10, first)).isTrue();
    assertThat(parts.publishedUpTo(A)).isEqualTo(10);
    assertThat(parts.isPublished(A, 20, second)).isTrue();
    assertThat(parts.publishedUpTo(A)).isEqualTo(20);
    assertThat(parts.publishedUpTo(B)).isZero();
  }

  @Test
  void whatWasTakenBehindARefusal_doesNotCount_andComesAgain() {
    assertThat(parts.isPublished(A, 10, parts.takes(A, 10))).isTrue();
    int refused = parts.takes(A, 20);
    int behind = parts.takes(B, 5);

    parts.isRefused(refused);
    assertThat(parts.takenUpTo(A)).isEqualTo(10);
    assertThat(parts.takenUpTo(B)).isZero();
    assertThat(parts.isPublished(B, 5, behind)).isFalse();
    assertThat(parts.publishedUpTo(B)).isZero();

    int again = parts.takes(B, 5);
    parts.isRefused(behind);
    assertThat(parts.takenUpTo(B)).as("of what came before the refusal").isEqualTo(5);
    assertThat(parts.isPublished(B, 5, again)).isTrue();
  }

  @Test
  void aPart_isDurable_afterThoseBeforeIt() {
    var first = new CompletableFuture<Void>();
    CompletableFuture<Void> before = parts.behindOthers(first);
    CompletableFuture<Void> empty = parts.behindOthers(CompletableFuture.completedFuture(null));
    assertThat(empty).isNotDone();

    first.complete(null);
    assertThat(before).isCompleted();
    assertThat(empty).isCompleted();
  }

  @Test
  void afterARefusal_nothingWaitsForWhatWasRefused() {
    parts.behindOthers(new CompletableFuture<>());
    parts.isRefused(parts.takes(A, 1));
    assertThat(parts.behindOthers(CompletableFuture.completedFuture(null))).isCompleted();
  }

  @Test
  void openings_areBounded_andThoseThatAreKnownGoOn() {
    for (int i = 0; i < ReceivedParts.MAX_ACTORS; i++) {
      assertThat(parts.isFullFor(new ActorId(i))).isFalse();
      parts.takes(new ActorId(i), 1);
    }
    assertThat(parts.isFullFor(new ActorId(ReceivedParts.MAX_ACTORS))).isTrue();
    assertThat(parts.isFullFor(A)).isFalse();
  }
}
