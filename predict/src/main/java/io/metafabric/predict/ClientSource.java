package io.metafabric.predict;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;

/**
 * What followed this read when this very client made it; where it never has, what followed when any
 * client did. A client is known by the hash of its name.
 */
final class ClientSource implements CandidateSource {
  static final int KINDS = 2 * Evidence.CLASSES;

  private final ContextTable own;
  private final ContextTable shared;

  ClientSource(long tableBytes) {
    this.shared = new ContextTable(tableBytes / 2);
    this.own = new ContextTable(tableBytes - tableBytes / 2);
  }

  @Override
  public void fit(int trackedKeys) {
    shared.ensureContexts(trackedKeys);
    own.ensureContexts(trackedKeys);
  }

  private static int ownContext(int client, int last) {
    // Not 0, which would be the shared context of the last alone.
    return ContextTable.context(client | 1, last);
  }

  @Override
  public void observe(Sighting read) {
    int last = read.lastRead;
    if (last == 0 || !read.movesOn()) {
      return;
    }
    shared.add(ContextTable.context(0, last), read.reference);
    if (read.own) {
      own.add(ownContext(read.client, last), read.reference);
    }
  }

  @Override
  public void propose(Sighting read, int depth, Sink sink) {
    if (!read.movesOn()) {
      return;
    }
    int row = own.find(ownContext(read.client, read.reference));
    if (row != ContextTable.ABSENT) {
      say(own, row, 0, read.reference, sink);
      return;
    }
    row = shared.find(ContextTable.context(0, read.reference));
    if (row != ContextTable.ABSENT) {
      say(shared, row, Evidence.CLASSES, read.reference, sink);
    }
  }

  private static void say(ContextTable table, int row, int firstKind, int cause, Sink sink) {
    for (int i = 0; i < ContextTable.SUCCESSORS; i++) {
      int reference = table.reference(row, i);
      if (reference != 0) {
        int kind = firstKind + Evidence.of(table.count(row, i), table.seen(row));
        sink.propose(reference, kind, cause);
      }
    }
  }

  @Override
  public void save(ByteWriter out) {
    own.save(out);
    shared.save(out);
  }

  @Override
  public void restore(ByteReader in) {
    own.restore(in);
    shared.restore(in);
  }

  @Override
  public long retainedBytes() {
    return own.retainedBytes() + shared.retainedBytes();
  }
}
