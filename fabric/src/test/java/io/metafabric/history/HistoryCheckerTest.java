package io.metafabric.history;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A checker that accepts everything would be of no use: hand-made histories it must refuse. */
class HistoryCheckerTest {
  private static final int ANNA = 1;
  private static final int BEN = 2;

  private final List<Event> history = new ArrayList<>();
  private long nanos = 1000;

  private static Version version(long counter, long wallMs) {
    return new Version(
        new Dot(new ActorId(7), counter), VersionVector.EMPTY, new Stamp(wallMs << 16));
  }

  private final Version first = version(1, 10);
  private final Version second = version(2, 20);
  private final Version third = version(3, 30);

  private void wrote(int session, String key, Version version) {
    history.add(new Event.Wrote(session, "eu", key, version, false, nanos++));
  }

  private void deleted(int session, String key, Version version) {
    history.add(new Event.Wrote(session, "eu", key, version, true, nanos++));
  }

  private void read(int session, String region, String key, @Nullable Version shown) {
    history.add(new Event.Read(session, region, key, shown, nanos, nanos++, -1));
  }

  private void freshRead(String key, @Nullable Version shown, long stalenessNanos) {
    history.add(new Event.Read(Event.NO_SESSION, "us", key, shown, nanos, nanos++, stalenessNanos));
  }

  private void accepted() {
    assertThat(HistoryChecker.problemsOf(history)).isEmpty();
  }

  private void refused(String why) {
    assertThat(HistoryChecker.problemsOf(history)).singleElement().asString().contains(why);
  }

  @Test
  void aWriteThatIsNotReadAgain() {
    wrote(Event.NO_SESSION, "k", first);
    wrote(ANNA, "k", second);
    read(ANNA, "us", "k", first);
    refused("read your writes");
  }

  @Test
  void aWriteThatIsNotThereAtAll() {
    wrote(ANNA, "k", first);
    read(ANNA, "us", "k", null);
    refused("read your writes");
  }

  @Test
  void aReadThatGoesBack() {
    wrote(Event.NO_SESSION, "k", first);
    wrote(Event.NO_SESSION, "k", second);
    read(ANNA, "eu", "k", second);
    read(ANNA, "us", "k", first);
    refused("monotonic reads");
  }

  @Test
  void aWriteThatIsOrderedBeforeAnEarlierOneOfItsSession() {
    wrote(ANNA, "k", second);
    wrote(ANNA, "k", first);
    refused("monotonic writes");
  }

  @Test
  void aWriteThatIsOrderedBeforeWhatItsSessionHasRead() {
    wrote(BEN, "k", second);
    read(ANNA, "us", "k", second);
    wrote(ANNA, "k", first);
    refused("writes follow reads");
  }

  @Test
  void aLaterWriteThatIsSeenWithoutTheEarlierOneOfAnotherKey() {
    wrote(ANNA, "photo", first);
    wrote(ANNA, "album", second);
    read(BEN, "us", "album", second);
    read(BEN, "us", "photo", null);
    refused("what was written after what");
  }

  @Test
  void anAnswerThatIsSeenWithoutItsQuestion_overTwoSessions() {
    wrote(Event.NO_SESSION, "question", first);
    read(ANNA, "eu", "question", first);
    wrote(ANNA, "answer", second);
    read(BEN, "us", "answer", second);
    wrote(BEN, "thanks", third);
    int cem = 3;
    read(cem, "ap", "thanks", third);
    read(cem, "ap", "question", null);
    refused("what was written after what");
  }

  @Test
  void aFreshReadThatLacksAnOlderWrite() {
    wrote(Event.NO_SESSION, "k", first);
    wrote(Event.NO_SESSION, "k", second);
    nanos += 500;
    freshRead("k", first, 400);
    refused("staleness");
  }

  @Test
  void aFreshReadThatLacksTheOnlyWrite() {
    wrote(Event.NO_SESSION, "k", first);
    nanos += 500;
    freshRead("k", null, 400);
    refused("staleness");
  }

  @Test
  void aRegionThatLacksWhatItIsSaidToHave() {
    wrote(Event.NO_SESSION, "k", first);
    wrote(Event.NO_SESSION, "k", second);
    history.add(
        new Event.SaidToBeDurable("k", second, List.of("us", "ap"), Arrays.asList(second, first)));
    refused("write concern: ap");
  }

  @Test
  void aRegionThatKnowsNothingOfWhatItIsSaidToHave() {
    wrote(Event.NO_SESSION, "k", first);
    history.add(
        new Event.SaidToBeDurable(
            "k", first, List.of("us"), Arrays.asList((@Nullable Version) null)));
    refused("write concern: us");
  }

  @Test
  void oneDotForTwoWrites() {
    wrote(ANNA, "k", first);
    wrote(BEN, "l", first);
    refused("one dot");
  }

  @Test
  void aHistoryAsItShouldBe_isAccepted() {
    wrote(ANNA, "photo", first);
    wrote(ANNA, "album", second);
    read(BEN, "us", "album", second);
    read(BEN, "us", "photo", first);
    wrote(BEN, "photo", third);
    read(ANNA, "ap", "photo", third);
    freshRead("photo", first, 1_000_000);
    freshRead("photo", third, 0);
    history.add(new Event.SaidToBeDurable("photo", first, List.of("us"), Arrays.asList(third)));
    accepted();
  }

  @Test
  void whoeverHasNoSession_mayGoBack() {
    wrote(Event.NO_SESSION, "k", first);
    wrote(Event.NO_SESSION, "k", second);
    read(Event.NO_SESSION, "eu", "k", second);
    read(Event.NO_SESSION, "us", "k", first);
    accepted();
  }

  @Test
  void nothingIsShown_whereSomethingNewerDeletedIt() {
    wrote(ANNA, "k", first);
    deleted(Event.NO_SESSION, "k", second);
    read(ANNA, "us", "k", null);
    accepted();
  }

  @Test
  void nothingIsShown_thoughTheDeletionIsOlder() {
    deleted(Event.NO_SESSION, "k", first);
    wrote(ANNA, "k", second);
    read(ANNA, "us", "k", null);
    refused("read your writes");
  }

  @Test
  void aDeletionThatNobodyWasToldOf_mayHide() {
    wrote(ANNA, "k", first);
    history.add(new Event.MayHaveWritten("k", true, 15));
    read(ANNA, "us", "k", null);
    accepted();
  }

  @Test
  void aDeletionThatNobodyWasToldOf_doesNotHideWhatWasWrittenLater() {
    history.add(new Event.MayHaveWritten("k", true, 15));
    wrote(ANNA, "k", second);
    read(ANNA, "us", "k", null);
    refused("read your writes");
  }

  @Test
  void aValueThatComesBackAfterItsDeletionWasSeen() {
    wrote(Event.NO_SESSION, "k", first);
    deleted(Event.NO_SESSION, "k", second);
    read(ANNA, "eu", "k", first);
    read(ANNA, "eu", "k", null);
    read(ANNA, "us", "k", first);
    refused("monotonic reads");
  }

  @Test
  void aValueThatComesBackAfterItsDeletionWasShown() {
    wrote(Event.NO_SESSION, "k", first);
    deleted(Event.NO_SESSION, "k", second);
    read(ANNA, "eu", "k", second);
    read(ANNA, "us", "k", first);
    refused("monotonic reads");
  }

  /** It may have been shown the first deletion, and go on where the second is not known. */
  @Test
  void whichOfTwoDeletionsWasSeen_isNotGuessed() {
    wrote(Event.NO_SESSION, "k", first);
    deleted(Event.NO_SESSION, "k", second);
    wrote(Event.NO_SESSION, "k", third);
    deleted(Event.NO_SESSION, "k", version(4, 40));
    read(ANNA, "eu", "k", first);
    read(ANNA, "eu", "k", null);
    read(ANNA, "us", "k", third);
    accepted();
  }

  @Test
  void whereItMayHaveBeenAnUnknownDeletion_theFloorStays() {
    wrote(ANNA, "k", first);
    history.add(new Event.MayHaveWritten("k", true, 15));
    deleted(Event.NO_SESSION, "k", third);
    read(ANNA, "eu", "k", null);
    wrote(Event.NO_SESSION, "k", second);
    read(ANNA, "us", "k", second);
    accepted();
  }

  @Test
  void aVersionThatNobodyWrote() {
    read(Event.NO_SESSION, "eu", "k", first);
    refused("nobody wrote it");
  }

  @Test
  void aVersionOfAnotherKey() {
    wrote(ANNA, "l", first);
    read(Event.NO_SESSION, "eu", "k", first);
    refused("but as l");
  }

  @Test
  void aVersionThatIsHeardOfBeforeItsWriter_orThatNobodyWasToldOf_orFromBefore() {
    history.add(new Event.WrittenBefore("l", second, false));
    read(ANNA, "eu", "k", first);
    wrote(BEN, "k", first);
    read(ANNA, "eu", "l", second);
    history.add(new Event.MayHaveWritten("m", false, 30));
    read(ANNA, "eu", "m", third);
    accepted();
  }

  @Test
  void whatARegionDeletedAgain_nobodyWrote_andItHidesWhatIsOlder() {
    deleted(BEN, "k", first);
    wrote(ANNA, "k", second);
    history.add(new Event.DeletedAgain("k", third));
    read(ANNA, "eu", "k", third);
    read(ANNA, "us", "k", null);
    accepted();
    read(BEN, "us", "l", third);
    refused("but as k");
  }

  @Test
  void whatARegionDeletedAgain_thoughNobodyHadDeletedItBefore() {
    wrote(ANNA, "k", first);
    history.add(new Event.DeletedAgain("k", second));
    read(ANNA, "eu", "k", second);
    deleted(ANNA, "l", third);
    refused("nobody had deleted it");
  }

  @Test
  void aDeletionFromBefore_mayHideWhatIsOlder_andIsMissedByNobody() {
    history.add(new Event.WrittenBefore("k", second, true));
    wrote(ANNA, "k", first);
    freshRead("k", first, 0);
    read(ANNA, "us", "k", null);
    accepted();
  }

  @Test
  void aDeletionFromBefore_doesNotHideWhatIsNewer() {
    history.add(new Event.WrittenBefore("k", first, true));
    wrote(ANNA, "k", second);
    read(ANNA, "us", "k", null);
    refused("read your writes");
  }

  @Test
  void whatAnEvictedRegionHadAlone_isMissedByNobody() {
    wrote(Event.NO_SESSION, "k", first);
    history.add(new Event.Evicted("eu"));
    freshRead("k", null, 0);
    accepted();
  }

  @Test
  void whatARegionWritesThatHasNotHeardOfItsEviction_isMissedByNobody_untilItReturns() {
    history.add(new Event.Evicted("eu"));
    wrote(Event.NO_SESSION, "k", first);
    freshRead("k", null, 0);
    accepted();
    history.add(new Event.Returned("eu"));
    wrote(Event.NO_SESSION, "other", second);
    freshRead("other", null, 0);
    refused("staleness");
  }

  @Test
  void aDeletionThatAnEvictedRegionHadAlone_isMissedByNobody_andMayHide() {
    wrote(Event.NO_SESSION, "k", first);
    deleted(Event.NO_SESSION, "k", second);
    history.add(new Event.Evicted("eu"));
    freshRead("k", first, 0);
    freshRead("k", null, 0);
    accepted();
  }
}
