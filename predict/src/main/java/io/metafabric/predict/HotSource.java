package io.metafabric.predict;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.error.WireFormatException;

/**
 * What is read most of late, in this region or in the others. Each need brings a few of such keys
 * up, in turn, so that those that are not held are seen before long.
 *
 * <p>Scores fade by half in {@value #HALF_LIFE} reads, not by the clock, which may stand still. A
 * key may be in any of {@value #WAYS} places and takes the one of the key with the lowest score if
 * that has faded below its own.
 */
final class HotSource implements CandidateSource {
  static final int KINDS = 24;
  static final long OWN_BYTES = 8 << 10;

  private static final int WAYS = 8;
  private static final int ROW_BYTES = 3 * Integer.BYTES;
  private static final int HALF_LIFE = 4096;
  private static final int EACH_NEED = 2;

  /** A score from which on a key counts as hot. */
  private static final float HOT = 2;

  /**
   * No more reads of a key are counted at once: a score stays as low as reads one by one make it.
   */
  private static final int MOST_AT_ONCE = HALF_LIFE;

  /** Kinds are by the score's power of two, in halves. */
  private static final int KINDS_PER_DOUBLING = 2;

  private final boolean elsewhere;
  private final int[] references;
  private final float[] scores;
  private final int[] scoredAt;
  private final int setMask;
  private int clock;
  private int hand;

  /**
   * @param elsewhere what is read in other regions; else in this one
   */
  HotSource(boolean elsewhere, long ownBytes) {
    this.elsewhere = elsewhere;
    int sets = (int) Math.max(1, Long.highestOneBit(ownBytes / (WAYS * ROW_BYTES)));
    this.setMask = sets - 1;
    this.references = new int[sets * WAYS];
    this.scores = new float[sets * WAYS];
    this.scoredAt = new int[sets * WAYS];
  }

  @Override
  public void observe(Sighting read) {
    if (read.own != elsewhere) {
      count(read.reference, 1);
    }
  }

  @Override
  public void readElsewhere(int reference, long reads) {
    if (elsewhere) {
      count(reference, (int) Math.min(reads, MOST_AT_ONCE));
    }
  }

  private void count(int reference, int reads) {
    clock += reads;
    int first = (ContextTable.context(0, reference) & setMask) * WAYS;
    int least = first;
    for (int place = first; place < first + WAYS; place++) {
      if (references[place] == reference) {
        scores[place] = (float) (score(place) + reads);
        scoredAt[place] = clock;
        return;
      }
      if (score(place) < score(least)) {
        least = place;
      }
    }
    if (score(least) < reads) {
      references[least] = reference;
      scores[least] = reads;
      scoredAt[least] = clock;
    } else {
      // Who is asked for again and again gets in: the one that holds the place pays for it.
      scores[least] = (float) (score(least) - (double) reads / WAYS);
      scoredAt[least] = clock;
    }
  }

  private double score(int place) {
    int age = clock - scoredAt[place];
    if (age < 0) {
      // So old that the counter has come round.
      return 0;
    }
    int halvings = Math.min(30, age / HALF_LIFE);
    double rest = (double) (age % HALF_LIFE) / HALF_LIFE;
    // Linear between two halvings: monotone, exact, and far cheaper than a power.
    return scores[place] * (1 - rest / 2) / (1 << halvings);
  }

  @Override
  public void propose(Sighting read, int depth, Sink sink) {
    if (read.need) {
      hand = say(hand, EACH_NEED, sink);
    }
  }

  @Override
  public void consult(Sighting standing, Sink sink) {
    say(0, references.length, sink);
  }

  private int say(int from, int most, Sink sink) {
    int place = from;
    int said = 0;
    // A bounded look, so that a table in which nothing is hot costs little.
    for (int i = 0; i < Math.min(references.length, WAYS * most) && said < most; i++) {
      double score = references[place] == 0 ? 0 : score(place);
      if (score >= HOT) {
        sink.propose(references[place], kind(score), 0);
        said++;
      }
      place = place + 1 == references.length ? 0 : place + 1;
    }
    return place;
  }

  private static int kind(double score) {
    int doublings = Math.getExponent(score);
    int half = score >= 1.5 * (1L << doublings) ? 1 : 0;
    return Math.min(KINDS - 1, KINDS_PER_DOUBLING * (doublings - 1) + half);
  }

  @Override
  public void save(ByteWriter out) {
    out.i32(references.length).i32(clock).i32(hand);
    Saved.ints(out, references);
    Saved.ints(out, scoredAt);
    for (float score : scores) {
      Saved.number(out, score);
    }
  }

  @Override
  public void restore(ByteReader in) {
    if (in.i32("hot keys") != references.length) {
      throw new WireFormatException("the table of hot keys was of another size");
    }
    clock = in.i32("reads");
    hand = in.i32("the hand");
    if (hand < 0 || hand >= references.length) {
      throw new WireFormatException("the hand was at " + hand);
    }
    Saved.ints(in, references, "hot keys");
    Saved.ints(in, scoredAt, "when keys were scored");
    for (int i = 0; i < scores.length; i++) {
      scores[i] = (float) Saved.number(in, "a score", 0, 2 * HALF_LIFE);
    }
  }

  @Override
  public long retainedBytes() {
    return (long) ROW_BYTES * references.length;
  }
}
