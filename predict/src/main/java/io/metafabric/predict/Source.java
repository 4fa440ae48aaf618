package io.metafabric.predict;

import io.metafabric.core.error.ConfigurationException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * What can propose keys to a {@link SequencePredictor}. docs/EVALUATION.md says what each earns.
 */
public enum Source {
  /** What the last read that had to be fetched was followed by, among such reads. */
  NEEDS_FIRST_ORDER(1, 0, SuccessorSource.KINDS) {
    @Override
    CandidateSource create(long tableBytes, long ownBytes) {
      return new SuccessorSource(true, false, tableUnits(), tableBytes);
    }
  },
  /** What the last two reads that had to be fetched were followed by, among such reads. */
  NEEDS_SECOND_ORDER(1, 0, SuccessorSource.KINDS) {
    @Override
    CandidateSource create(long tableBytes, long ownBytes) {
      return new SuccessorSource(true, true, tableUnits(), tableBytes);
    }
  },
  /** What the last two reads were followed by. */
  READS_SECOND_ORDER(2, 0, SuccessorSource.KINDS) {
    @Override
    CandidateSource create(long tableBytes, long ownBytes) {
      return new SuccessorSource(false, true, tableUnits(), tableBytes);
    }
  },
  /** What is needed near this again and again, in whatever order (Mithril). */
  CO_ACCESS(1, CoAccessSource.OWN_BYTES, CoAccessSource.KINDS) {
    @Override
    CandidateSource create(long tableBytes, long ownBytes) {
      return new CoAccessSource(tableBytes, ownBytes);
    }
  },
  /** What the same client read next before; any client, where this one never has. */
  CLIENT(2, 0, ClientSource.KINDS) {
    @Override
    CandidateSource create(long tableBytes, long ownBytes) {
      return new ClientSource(tableBytes);
    }
  },
  /** What is read most in this region of late. */
  POPULARITY(0, HotSource.OWN_BYTES, HotSource.KINDS) {
    @Override
    CandidateSource create(long tableBytes, long ownBytes) {
      return new HotSource(false, ownBytes);
    }
  },
  /** What is read most in other regions of late, as far as this one is told. */
  OTHER_REGIONS(0, HotSource.OWN_BYTES, HotSource.KINDS) {
    @Override
    CandidateSource create(long tableBytes, long ownBytes) {
      return new HotSource(true, ownBytes);
    }
  },
  /** What is read at regular intervals, or at this hour of the day. */
  PERIODIC(0, PeriodicSource.OWN_BYTES, PeriodicSource.KINDS) {
    @Override
    CandidateSource create(long tableBytes, long ownBytes) {
      return new PeriodicSource(ownBytes);
    }
  };

  /** Which a fabric uses unless it is told otherwise. */
  public static final List<Source> DEFAULT =
      List.of(NEEDS_FIRST_ORDER, NEEDS_SECOND_ORDER, READS_SECOND_ORDER, CLIENT);

  /** A predictor's bytes over what a source may take apart from its table, at least. */
  private static final int SHARE_OF_ONE = 64;

  /** Contexts for each key that is tracked, where it has a table that grows with the keys. */
  private final int tableUnits;

  /** For what it holds however many keys there are. */
  private final long ownBytes;

  private final int kinds;
  private final String id = name().toLowerCase(Locale.ROOT).replace('_', '-');

  Source(int tableUnits, long ownBytes, int kinds) {
    this.tableUnits = tableUnits;
    this.ownBytes = ownBytes;
    this.kinds = kinds;
  }

  /**
   * @param tableBytes for a table that grows with the keys
   * @param ownBytes for all else
   */
  abstract CandidateSource create(long tableBytes, long ownBytes);

  final int tableUnits() {
    return tableUnits;
  }

  /** For what does not grow with the keys, in a predictor that may retain {@code maxBytes}. */
  final long ownBytes(long maxBytes) {
    return Math.min(ownBytes, maxBytes / SHARE_OF_ONE);
  }

  /** How many ways it has to say something. */
  final int kinds() {
    return kinds;
  }

  /** As in {@code needs-first-order}. */
  public String id() {
    return id;
  }

  /**
   * @throws ConfigurationException if there is none of this name; it names those that there are
   */
  public static Source of(String id) {
    return Arrays.stream(values())
        .filter(each -> each.id().equals(id))
        .findFirst()
        .orElseThrow(
            () ->
                new ConfigurationException(
                    "there is no prediction source \""
                        + id
                        + "\"; there are "
                        + String.join(", ", Arrays.stream(values()).map(Source::id).toList())));
  }
}
