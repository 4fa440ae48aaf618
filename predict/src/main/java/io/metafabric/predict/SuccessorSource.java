package io.metafabric.predict;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;

/**
 * What followed before follows again. Order is taken per client; what is learned is shared, so that
 * a client profits from the first read on from what others did.
 *
 * <p>Of reads, or of <em>needs</em> alone, the reads that had to be fetched or would have been but
 * for a prefetch: the stream of needs leaves out what is in the cache anyway and so sees further
 * (Wenisch et al., Temporal Streaming, ISCA 2005). By the last one, or by the last two.
 */
final class SuccessorSource implements CandidateSource {
  private static final int DEPTH_CLASSES = 3;

  /** How many ways there are to say something. */
  static final int KINDS = DEPTH_CLASSES * Evidence.CLASSES;

  private final boolean ofNeeds;
  private final boolean byTwo;
  private final int contextsPerKey;
  private final ContextTable table;

  /**
   * @param ofNeeds of the stream of needs; else of all reads
   * @param byTwo by the last two; else by the last one
   */
  SuccessorSource(boolean ofNeeds, boolean byTwo, int contextsPerKey, long maxBytes) {
    this.ofNeeds = ofNeeds;
    this.byTwo = byTwo;
    this.contextsPerKey = contextsPerKey;
    this.table = new ContextTable(maxBytes);
  }

  @Override
  public void fit(int trackedKeys) {
    table.ensureContexts(trackedKeys * contextsPerKey);
  }

  @Override
  public void observe(Sighting read) {
    if (ofNeeds && !(read.need && read.own)) {
      return;
    }
    int last = ofNeeds ? read.lastNeed : read.lastRead;
    int before = ofNeeds ? read.needBefore : read.readBefore;
    if (last != 0 && last != read.reference) {
      table.add(ContextTable.context(byTwo ? before : 0, last), read.reference);
    }
  }

  @Override
  public void propose(Sighting read, int depth, Sink sink) {
    if (ofNeeds ? !read.need : !read.movesOn()) {
      return;
    }
    int last = ofNeeds ? read.lastNeed : read.lastRead;
    int before = ofNeeds ? read.needBefore : read.readBefore;
    walk(last == read.reference ? before : last, read.reference, depth, sink);
  }

  /** What followed the context, and what followed the likeliest of that, as deep as it pays. */
  private void walk(int before, int last, int depth, Sink sink) {
    int older = byTwo ? before : 0;
    int newer = last;
    for (int step = 0; step < depth; step++) {
      int row = table.find(ContextTable.context(older, newer));
      if (row == ContextTable.ABSENT) {
        return;
      }
      int likeliest = 0;
      for (int i = 0; i < ContextTable.SUCCESSORS; i++) {
        int reference = table.reference(row, i);
        if (reference != 0 && reference != last) {
          sink.propose(reference, kind(table.count(row, i), table.seen(row), step), last);
        }
        if (table.count(row, i) > table.count(row, likeliest)) {
          likeliest = i;
        }
      }
      if (2 * table.count(row, likeliest) < table.seen(row)) {
        return;
      }
      older = byTwo ? newer : 0;
      newer = table.reference(row, likeliest);
    }
  }

  private static int kind(int count, int seen, int step) {
    int far = step == 0 ? 0 : step <= 2 ? 1 : 2;
    return far * Evidence.CLASSES + Evidence.of(count, seen);
  }

  @Override
  public boolean looksFar(int kind) {
    return kind >= Evidence.CLASSES;
  }

  @Override
  public void save(ByteWriter out) {
    table.save(out);
  }

  @Override
  public void restore(ByteReader in) {
    table.restore(in);
  }

  @Override
  public long retainedBytes() {
    return table.retainedBytes();
  }
}
