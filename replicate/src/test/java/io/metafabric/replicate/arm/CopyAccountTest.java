package io.metafabric.replicate.arm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.ShadowReason;
import io.metafabric.replicate.shadow.ShadowShelf;
import io.metafabric.replicate.shadow.ShadowTerms;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CopyAccountTest {
  private static final long HOUR = 3_600_000_000_000L;

  private record Paid(long atNanos, long wireBytes, double dollars) {}

  @RepeatedTest(300)
  void noneOfTheThreeBounds_isEverExceeded(RepetitionInfo run) {
    int seed = run.getCurrentRepetition();
    var random = new Random(seed);
    long perSecond = 1 + random.nextInt(50_000);
    double perDay = random.nextInt(5) == 0 ? 0 : random.nextDouble() / 100;
    long stored = 1 + random.nextInt(200_000);
    long start = random.nextLong();
    var account =
        new CopyAccount(new CopyBudget(perSecond, perDay, stored), SpentNotes.NONE, start);
    var paid = new ArrayList<Paid>();
    var open = new ArrayList<Long>();
    long now = 0;
    for (int i = 0; i < 500; i++) {
      now += pause(random);
      // A clock that goes back for one reading.
      long seen = random.nextInt(10) == 0 ? now - random.nextInt(1_000_000_000) : now;
      long payload = random.nextInt(3) == 0 ? 0 : random.nextInt(30_000);
      double microDollars = random.nextInt(10) == 0 ? 0 : random.nextDouble() * 1_000;
      if (account.pay(payload + 200, microDollars, payload, start + seen) == null) {
        paid.add(new Paid(now, payload + 200, microDollars / 1e6));
        open.add(payload);
      }
      if (!open.isEmpty() && random.nextInt(3) == 0) {
        account.release(open.remove(random.nextInt(open.size())));
      }
      long here = open.stream().mapToLong(Long::longValue).sum();
      assertThat(here).as("seed %d", seed).isEqualTo(account.storedBytes());
      assertThat(here).as("seed %d", seed).isLessThanOrEqualTo(stored);
    }
    assertWithin(paid, perSecond, perDay, seed);
  }

  /** What is taken of one budget in all ways that there are, by turns. */
  private static final class Mixed {
    final Random random;
    final int seed;
    final Notes notes = new Notes();
    long start;
    CopyAccount account;
    KeptCopies<String> kept;
    ShadowShelf shelf;
    final List<Long> unread = new ArrayList<>();
    final List<MetadataRecord> shadows = new ArrayList<>();
    final List<Paid> dollars = new ArrayList<>();
    double storedBefore;
    long now;
    long sent;
    long earnable;
    long overdraft;

    Mixed(int seed) {
      this.seed = seed;
      this.random = new Random(seed);
      open(budget());
    }

    /** Of what was here nothing is left, and its clock counts from somewhere else. */
    void open(CopyBudget with) {
      start = random.nextLong();
      notes.passedNanos = now - notes.atNanos;
      account = new CopyAccount(with, notes, start + now);
      earnable += with.bytesPerSecond();
      kept = new KeptCopies<>(random.nextInt(200_000), account.room(), gone -> {});
      shelf = new ShadowShelf(random.nextInt(200_000), account.room());
      account.room().yieldBy(missing -> kept.giveUp(missing, now / 1e6));
      unread.clear();
      shadows.clear();
      storedBefore = 0;
    }

    /** What was noted last, which is as old as it is. */
    private final class Notes implements SpentNotes {
      private SpentDollars last = SpentDollars.NOTHING;
      private long atNanos;
      private long passedNanos;

      @Override
      public SpentDollars before() {
        return last.after(Math.min(50 * HOUR, passedNanos));
      }

      @Override
      public boolean note(SpentDollars spent) {
        if (random.nextInt(20) == 0) {
          return false;
        }
        last = spent;
        atNanos = now;
        return true;
      }
    }

    CopyBudget budget() {
      return new CopyBudget(
          1 + random.nextInt(50_000), random.nextDouble() / 100, 1 + random.nextInt(200_000));
    }

    void step() {
      long passed = pause(random);
      now += passed;
      long perSecond = account.budget().bytesPerSecond();
      earnable += (long) Math.ceil(passed / 1e9 * perSecond);
      long bytes = random.nextInt(30_000);
      String path = "n/" + random.nextInt(20);
      double microDollars = random.nextDouble() * 1_000;
      switch (random.nextInt(15)) {
        case 0, 1 -> {
          if (account.pay(bytes + 200, microDollars, bytes, start + now) == null) {
            unread.add(bytes);
            sent += bytes + 200;
            spent(microDollars);
          }
        }
        case 10, 11 -> {
          // A shadow that another region is sent, or that is made here of what is here.
          boolean isAsked = random.nextBoolean();
          if (isAsked && account.payAsked(bytes, microDollars, start + now) == null) {
            sent += bytes;
            overdraft = Math.max(overdraft, bytes - perSecond);
            spent(microDollars);
          } else if (!isAsked && account.pay(0, microDollars, 0, start + now) == null) {
            spent(microDollars);
          }
        }
        case 12 -> {
          account.owe(microDollars / 10, start + now);
          dollars.add(new Paid(now, 0, microDollars / 1e7));
        }
        case 13 -> {
          if (random.nextBoolean()) {
            account.end(start + now);
          }
          open(account.budget());
        }
        case 2 -> {
          if (account.payBytes(bytes, start + now)) {
            sent += bytes;
            overdraft = Math.max(overdraft, bytes - perSecond);
            if (random.nextBoolean()) {
              account.giveBackBytes(bytes);
              sent -= bytes;
            }
          }
        }
        case 3 -> {
          if (!unread.isEmpty()) {
            account.release(unread.remove(random.nextInt(unread.size())));
          }
        }
        case 4, 5 -> kept.put(path, path, KeptCopy.Cause.READ, bytes, 1e6, now / 1e6);
        case 6 -> kept.drop(path);
        case 7 -> kept.sweep(now / 1e6);
        case 8 -> shelve(path, (int) bytes);
        case 9 -> {
          if (!shadows.isEmpty()) {
            MetadataRecord gone = shadows.remove(random.nextInt(shadows.size()));
            shelf.end(gone.key(), gone.header().version().dot(), true);
          }
        }
        default -> {
          if (random.nextInt(5) == 0) {
            CopyBudget next = budget();
            account.setBudget(next, start + now);
            kept.setMaxBytes(random.nextInt(200_000));
            earnable += Math.max(0, next.bytesPerSecond() - perSecond);
          }
        }
      }
    }

    /** Windows of a day, less the second that a clock's reading may be wrong. */
    void spent(double microDollars) {
      dollars.add(new Paid(now, 0, microDollars / 1e6));
      double day =
          dollars.stream()
              .filter(each -> now - each.atNanos() < 24 * HOUR - 1_000_000_000)
              .mapToDouble(Paid::dollars)
              .sum();
      assertThat(day)
          .as("seed %d", seed)
          .isLessThanOrEqualTo(account.budget().dollarsPerDay() + 1e-12);
    }

    void shelve(String path, int bytes) {
      Bytes payload = Bytes.copyOf(new byte[bytes]);
      var dot = new Dot(new ActorId(7), 1 + random.nextInt(1_000));
      var version = new Version(dot, VersionVector.EMPTY, new Stamp(5));
      var region = new RegionName("rome");
      var record =
          new MetadataRecord(
              Key.of(path), Header.value(version, region, payload, Header.NEVER), payload);
      if (random.nextBoolean()) {
        var terms = ShadowTerms.of(ShadowReason.REQUESTED, 3, Duration.ofSeconds(10));
        shelf.put(record, terms, start + now);
      } else {
        shelf.refresh(record, true);
      }
      MetadataRecord held = shelf.get(record.key());
      if (held != null) {
        shadows.removeIf(each -> each.key().equals(held.key()));
        shadows.add(held);
      }
    }

    void check() {
      long bound = account.budget().storedBytes();
      long unreadBytes = unread.stream().mapToLong(Long::longValue).sum();
      long stored = unreadBytes + kept.stats().bytes() + shelf.stats().bytes();
      assertThat(account.room().bytes()).as("seed %d", seed).isEqualTo(stored);
      // A smaller budget does not take away what there is; nothing comes beyond it.
      assertThat((double) stored)
          .as("seed %d", seed)
          .isLessThanOrEqualTo(Math.max(bound, storedBefore));
      storedBefore = stored;
      // What is owed and larger than a second's worth goes whole, once.
      assertThat(sent).as("seed %d", seed).isLessThanOrEqualTo(earnable + overdraft + 1);
    }
  }

  @RepeatedTest(300)
  void theBoundsHold_forAllKindsOfCopiesTogether(RepetitionInfo run) {
    var mixed = new Mixed(run.getCurrentRepetition());
    for (int i = 0; i < 500; i++) {
      mixed.step();
      mixed.check();
    }
  }

  private static long pause(Random random) {
    return switch (random.nextInt(20)) {
      case 0 -> random.nextInt(100) * HOUR;
      case 1, 2, 3 -> (long) (random.nextDouble() * HOUR);
      case 4 -> 0;
      default -> random.nextInt(300_000_000);
    };
  }

  private static void assertWithin(List<Paid> paid, long perSecond, double perDay, int seed) {
    for (int from = 0; from < paid.size(); from++) {
      double bytes = 0;
      double dollars = 0;
      for (int to = from; to < paid.size(); to++) {
        bytes += paid.get(to).wireBytes();
        // A reading of a clock that has gone back stands for a later moment than its own.
        long window = paid.get(to).atNanos() - paid.get(from).atNanos();
        assertThat(bytes)
            .as("seed %d", seed)
            .isLessThanOrEqualTo(perSecond * (1 + (window + 1e9) / 1e9) + 1);
        if (window < 24 * HOUR - 1_000_000_000) {
          dollars += paid.get(to).dollars();
          assertThat(dollars).as("seed %d", seed).isLessThanOrEqualTo(perDay + 1e-12);
        }
      }
    }
  }

  @Test
  void aDaysDollars_areThereAgainAfterADay_andNotBefore() {
    var account = new CopyAccount(CopyBudget.DEFAULT.withDollarsPerDay(1), SpentNotes.NONE, 0);
    assertThat(account.pay(1, 1e6, 0, HOUR / 2)).isNull();

    assertThat(account.pay(1, 1, 0, 24 * HOUR)).isEqualTo(Decision.Reason.OVER_DOLLARS_PER_DAY);
    assertThat(account.pay(1, 0, 0, 24 * HOUR)).as("what is free").isNull();
    assertThat(account.pay(1, 1e6, 0, 25 * HOUR)).isNull();
  }

  /** Of what one opening has noted last the next one hears, so many hours later. */
  private static final class LastNote implements SpentNotes {
    private SpentDollars last = SpentDollars.NOTHING;
    private long hoursAgo;
    private int written;

    @Override
    public SpentDollars before() {
      return last.after(hoursAgo * HOUR);
    }

    @Override
    public boolean note(SpentDollars spent) {
      last = spent;
      written++;
      return true;
    }
  }

  @Test
  void whatOpeningsBeforeHaveSpent_counts_untilADayHasPassed() {
    var notes = new LastNote();
    CopyBudget budget = CopyBudget.DEFAULT.withDollarsPerDay(1);
    var first = new CopyAccount(budget, notes, 0);
    assertThat(first.pay(1, 0.5e6, 0, HOUR / 2)).isNull();
    assertThat(first.pay(1, 0.4e6, 0, 2 * HOUR)).isNull();
    first.end(2 * HOUR);

    var second = new CopyAccount(budget, notes, 77 * HOUR);
    assertThat(second.spentDollars(77 * HOUR)).isCloseTo(0.9, within(1e-9));
    assertThat(second.pay(1, 0.2e6, 0, 77 * HOUR)).isEqualTo(Decision.Reason.OVER_DOLLARS_PER_DAY);
    assertThat(second.pay(1, 0.1e6, 0, 77 * HOUR)).isNull();
    second.end(77 * HOUR);

    notes.hoursAgo = 23;
    var third = new CopyAccount(budget, notes, -5 * HOUR);
    assertThat(third.pay(1, 0.51e6, 0, -5 * HOUR)).isEqualTo(Decision.Reason.OVER_DOLLARS_PER_DAY);
    assertThat(third.pay(1, 0.5e6, 0, -5 * HOUR)).as("the first is over a day old").isNull();
  }

  @Test
  void openingsThatAreKilled_spendNoMoreThanOne_andEachCostsALittle() {
    var notes = new LastNote();
    CopyBudget budget = CopyBudget.DEFAULT.withDollarsPerDay(1);
    double spent = 0;
    for (int i = 0; i < 100; i++) {
      var killed = new CopyAccount(budget, notes, i);
      assertThat(killed.pay(1, 100, 0, i)).as("opening %d", i).isNull();
      spent += 100e-6;
    }
    double known = new CopyAccount(budget, notes, 0).spentDollars(0);
    assertThat(known).isBetween(spent, spent + 100 / 256.0 + 1e-9);

    int openings = 0;
    while (new CopyAccount(budget, notes, 0).pay(1, 20_000, 0, 0) == null) {
      openings++;
    }
    assertThat(openings).isBetween(20, 50);
  }

  @Test
  void itIsNotedSeldom_andWhatCannotBeNoted_isNotSpent() {
    var notes = new LastNote();
    var account = new CopyAccount(CopyBudget.DEFAULT.withDollarsPerDay(1), notes, 0);
    for (int i = 0; i < 100_000; i++) {
      assertThat(account.pay(1, 10, 0, i * 100_000L)).isNull();
    }
    assertThat(notes.written).isBetween(250, 260);

    SpentNotes unwritable =
        new SpentNotes() {
          @Override
          public SpentDollars before() {
            return SpentDollars.NOTHING;
          }

          @Override
          public boolean note(SpentDollars spent) {
            return false;
          }
        };
    var poor = new CopyAccount(CopyBudget.DEFAULT, unwritable, 0);
    assertThat(poor.pay(1, 10, 0, 0)).isEqualTo(Decision.Reason.OVER_DOLLARS_PER_DAY);
    assertThat(poor.pay(1, 0, 0, 0)).as("what is free").isNull();
  }

  @Test
  void whatIsOwed_isNeverRefused_andLeavesLessForOthers() {
    var account = new CopyAccount(CopyBudget.DEFAULT.withDollarsPerDay(1), SpentNotes.NONE, 0);
    account.owe(0.75e6, 0);
    assertThat(account.pay(1, 0.3e6, 0, 0)).isEqualTo(Decision.Reason.OVER_DOLLARS_PER_DAY);
    assertThat(account.pay(1, 0.25e6, 0, 0)).isNull();
    account.owe(5e6, 0);
    assertThat(account.spentDollars(0)).isCloseTo(6, within(1e-9));
    assertThat(account.pay(1, 1, 0, 0)).isEqualTo(Decision.Reason.OVER_DOLLARS_PER_DAY);
    assertThat(account.pay(1, 0, 0, 0)).as("what is free").isNull();
    account.owe(1e300, 0);
    assertThat(account.pay(1, 1, 0, 0)).isEqualTo(Decision.Reason.OVER_DOLLARS_PER_DAY);
  }

  @Test
  void aSmallerBudget_countsWhatWasSpentBefore() {
    var account = new CopyAccount(new CopyBudget(1_000, 1, 1_000), SpentNotes.NONE, 0);
    assertThat(account.pay(100, 0.5e6, 600, 0)).isNull();
    account.setBudget(new CopyBudget(1_000, 0.5, 500), 0);

    assertThat(account.pay(100, 1, 0, 0)).isEqualTo(Decision.Reason.OVER_DOLLARS_PER_DAY);
    assertThat(account.pay(100, 0, 1, 0)).isEqualTo(Decision.Reason.OVER_STORED_BYTES);
    account.release(600);
    assertThat(account.pay(100, 0, 500, 0)).isNull();
  }

  @Test
  void whatIsOwed_andIsMoreThanASecondsWorth_isPaidOff_beforeAnythingElseGoes() {
    var account = new CopyAccount(new CopyBudget(1_000, 1, 10), SpentNotes.NONE, 0);
    assertThat(account.payBytes(3_500, 0)).isTrue();
    assertThat(account.payBytes(1, 2_500_000_000L)).isFalse();
    assertThat(account.payBytes(100, 2_600_000_000L)).isTrue();
    assertThat(account.payBytes(3_500, 2_700_000_000L)).as("not without a full second").isFalse();

    assertThat(account.payBytes(3_500, 5_000_000_000L)).isTrue();
    account.giveBackBytes(3_500);
    assertThat(account.payBytes(1_000, 5_000_000_000L)).isTrue();
  }

  @Test
  void whileWhatIsOwedWaits_noBargainTakesWhatIsEarnedForIt() {
    var account = new CopyAccount(new CopyBudget(1_000, 1, 10_000), SpentNotes.NONE, 0);
    assertThat(account.pay(1_000, 0, 1, 0)).isNull();
    assertThat(account.payBytes(1_000, 500_000_000L)).isFalse();

    assertThat(account.pay(100, 0, 1, 600_000_000L))
        .isEqualTo(Decision.Reason.OVER_BYTES_PER_SECOND);
    assertThat(account.payBytes(1_000, 1_000_000_000L)).isTrue();

    assertThat(account.pay(100, 0, 1, 1_100_000_000L)).as("nothing waits now").isNull();
    assertThat(account.payBytes(1_000, 1_200_000_000L)).isFalse();
    assertThat(account.pay(100, 0, 1, 3_200_000_000L)).as("nobody asked again").isNull();
  }

  @Test
  void aSmallDutyThatIsPaid_doesNotEndTheTurnOfALargerOneThatWaits() {
    var account = new CopyAccount(new CopyBudget(1_000, 1, 10_000), SpentNotes.NONE, 0);
    assertThat(account.pay(900, 0, 1, 0)).isNull();
    assertThat(account.payBytes(1_000, 100_000_000L)).isFalse();
    assertThat(account.payBytes(50, 200_000_000L)).isTrue();
    assertThat(account.pay(100, 0, 1, 300_000_000L)).as("the large one waits").isNotNull();

    assertThat(account.payBytes(1_000, 1_100_000_000L)).isTrue();
    assertThat(account.pay(50, 0, 1, 2_200_000_000L)).as("nothing waits now").isNull();
  }

  @Test
  void aDutyThatNobodyAsksForAgain_hasNoTurn_whateverElseIsPaid() {
    var account = new CopyAccount(new CopyBudget(1_000, 1, 10_000), SpentNotes.NONE, 0);
    assertThat(account.payBytes(1_000, 0)).isTrue();
    assertThat(account.payBytes(900, 100_000_000L)).isFalse();
    assertThat(account.payBytes(100, 2_000_000_000L)).isTrue();
    assertThat(account.pay(100, 0, 1, 2_200_000_000L)).isNull();
  }

  @Test
  void whatIsAskedForByName_waitsForBytesLikeADuty_andNotForDollars() {
    var account = new CopyAccount(new CopyBudget(1_000, 1, 10), SpentNotes.NONE, 0);
    assertThat(account.payAsked(3_000, 0.4e6, 0)).as("more than a second's worth").isNull();
    assertThat(account.payAsked(100, 0.4e6, 1_000_000_000L))
        .isEqualTo(Decision.Reason.OVER_BYTES_PER_SECOND);
    assertThat(account.pay(100, 0, 1, 2_200_000_000L))
        .as("a bargain takes nothing of what is earned for it")
        .isEqualTo(Decision.Reason.OVER_BYTES_PER_SECOND);
    assertThat(account.pay(0, 0.1e6, 0, 2_200_000_000L)).as("what is not sent").isNull();

    assertThat(account.payAsked(100, 0.4e6, 2_300_000_000L)).isNull();
    assertThat(account.payAsked(100, 0.4e6, 9_000_000_000L))
        .isEqualTo(Decision.Reason.OVER_DOLLARS_PER_DAY);
    assertThat(account.payAsked(1_000, 0.1e6, 9_000_000_000L)).as("no bytes were taken").isNull();
  }

  @Test
  void whatIsRefusedForOneBound_isNotTakenFromTheOthers() {
    var account = new CopyAccount(new CopyBudget(1_000, 1, 10), SpentNotes.NONE, 0);
    assertThat(account.pay(1_000, 1e6, 11, 0)).isEqualTo(Decision.Reason.OVER_STORED_BYTES);

    assertThat(account.pay(1_000, 1e6, 10, 0)).isNull();
    assertThat(account.pay(1, 0, 0, 0)).isEqualTo(Decision.Reason.OVER_BYTES_PER_SECOND);
  }

  @ParameterizedTest
  @ValueSource(longs = {0, -1, Long.MAX_VALUE})
  void bytesOutOfRange_areRefusedByName(long bytes) {
    assertThatThrownBy(() -> CopyBudget.DEFAULT.withBytesPerSecond(bytes))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("bytesPerSecond")
        .hasMessageContaining(String.valueOf(bytes));
    assertThatThrownBy(() -> CopyBudget.DEFAULT.withStoredBytes(bytes))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("storedBytes");
  }

  @ParameterizedTest
  @ValueSource(doubles = {-0.01, Double.NaN, Double.POSITIVE_INFINITY, 1e6 + 1})
  void dollarsOutOfRange_areRefusedByName(double dollars) {
    assertThatThrownBy(() -> CopyBudget.DEFAULT.withDollarsPerDay(dollars))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("dollarsPerDay")
        .hasMessageContaining(String.valueOf(dollars));
  }
}
