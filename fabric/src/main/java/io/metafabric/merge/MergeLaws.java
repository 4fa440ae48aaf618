package io.metafabric.merge;

import io.metafabric.core.conflict.Merge;
import io.metafabric.core.record.Bytes;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.random.RandomGenerator;

/**
 * Tries a merge on values of its own kind, for tests of hosts that bring one: commutative,
 * associative, idempotent, and the same whenever it is called.
 *
 * <pre>{@code
 * MergeLaws.require(MyValue::merge, random -> MyValue.any(random).encode());
 * }</pre>
 *
 * <p>Values should be made as they come to be in truth: by a few writers, from each other, so that
 * they overlap. Values that have nothing in common break few laws.
 */
public final class MergeLaws {
  private static final int TRIES = 1_000;

  /**
   * Values on which a merge broke a law.
   *
   * @param law what should have been equal
   * @param values a, b and c
   * @param left what the left side came to
   * @param right and the right side
   */
  public record Counterexample(String law, List<Bytes> values, Bytes left, Bytes right, long seed) {
    @Override
    public String toString() {
      var text = new StringBuilder("the merge is not ").append(law).append(" (seed ").append(seed);
      text.append("):");
      for (int i = 0; i < values.size(); i++) {
        text.append("\n  ").append((char) ('a' + i)).append(" = ").append(hex(values.get(i)));
      }
      return text.append("\n  left  = ")
          .append(hex(left))
          .append("\n  right = ")
          .append(hex(right))
          .toString();
    }

    private static String hex(Bytes bytes) {
      return HexFormat.of().formatHex(bytes.toArray()) + " \"" + bytes.toUtf8() + '"';
    }
  }

  private MergeLaws() {}

  /**
   * The first counterexample that is found; empty if there is none among so many tries.
   *
   * @param values makes an arbitrary value
   * @param seed the same seed makes the same values
   */
  public static Optional<Counterexample> check(
      Merge merge, Function<RandomGenerator, Bytes> values, long seed, int tries) {
    var random = new SplittableRandom(seed);
    for (int i = 0; i < tries; i++) {
      Bytes a = values.apply(random);
      Bytes b = values.apply(random);
      Bytes c = values.apply(random);
      var laws = new Laws(merge, List.of(a, b, c), seed);
      Optional<Counterexample> found = laws.firstBroken(a, b, c);
      if (found.isPresent()) {
        return found;
      }
    }
    return Optional.empty();
  }

  private record Laws(Merge merge, List<Bytes> values, long seed) {
    Optional<Counterexample> firstBroken(Bytes a, Bytes b, Bytes c) {
      Bytes both = merge.merge(a, b);
      return broken("the same each time: a+b = a+b", both, merge.merge(a, b))
          .or(() -> broken("commutative: a+b = b+a", both, merge.merge(b, a)))
          .or(() -> broken("idempotent: a+a = a", merge.merge(a, a), a))
          .or(() -> broken("idempotent: (a+b)+b = a+b", merge.merge(both, b), both))
          .or(
              () ->
                  broken(
                      "associative: (a+b)+c = a+(b+c)",
                      merge.merge(both, c),
                      merge.merge(a, merge.merge(b, c))));
    }

    private Optional<Counterexample> broken(String law, Bytes left, Bytes right) {
      return left.equals(right)
          ? Optional.empty()
          : Optional.of(new Counterexample(law, values, left, right, seed));
    }
  }

  /**
   * The same for a test.
   *
   * @throws AssertionError with the first counterexample of a thousand tries
   */
  public static void require(Merge merge, Function<RandomGenerator, Bytes> values) {
    check(merge, values, new SplittableRandom().nextLong(), TRIES)
        .ifPresent(
            found -> {
              throw new AssertionError(found.toString());
            });
  }
}
