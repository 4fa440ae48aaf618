package io.metafabric.core.wire;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.digest.HeaderTree;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.version.Dot;
import java.util.ArrayList;
import java.util.List;

/**
 * The bodies of frames by which two regions compare their headers and bring each other what
 * differs: compare, compared, dots, repair. docs/PROTOCOL.md has the bytes. Stateless.
 */
final class RepairCodec {
  private RepairCodec() {}

  static void write(ByteWriter out, Frame.Compare compare) {
    out.varint(compare.request())
        .i64(compare.salt())
        .u8(compare.depth())
        .varint(compare.families().size());
    int before = -1;
    for (Frame.Family family : compare.families()) {
      out.varint(family.parent() - before - 1).bytes(family.digests());
      before = family.parent();
    }
  }

  static Frame.Compare readCompare(ByteReader in) {
    long request = in.varint("request");
    long salt = in.i64("salt");
    int depth = readDepth(in);
    int count = in.varint("families", 0, in.remaining() / Frame.Family.BYTES);
    var families = new ArrayList<Frame.Family>(count);
    int parent = -1;
    for (int i = 0; i < count; i++) {
      parent = readPath(in, parent, depth - HeaderTree.STEP);
      families.add(new Frame.Family(parent, in.payload(Frame.Family.BYTES, "digests")));
    }
    return new Frame.Compare(request, salt, depth, families);
  }

  private static int readDepth(ByteReader in) {
    int depth = in.u8("depth");
    if (depth < HeaderTree.STEP || depth > HeaderTree.MAX_DEPTH || depth % HeaderTree.STEP != 0) {
      throw new WireFormatException("there are no nodes at depth " + depth);
    }
    return depth;
  }

  /** Paths ascend; each is told by how many lie between it and the one before. */
  private static int readPath(ByteReader in, int before, int depth) {
    int end = 1 << depth;
    return before + 1 + in.varint("path", 0, end - before - 2);
  }

  static void write(ByteWriter out, Frame.Compared compared) {
    out.varint(compared.request()).varint(compared.keys()).varint(compared.differing().size());
    int before = -1;
    for (Frame.Differing differing : compared.differing()) {
      int children = differing.children();
      out.varint(differing.parent() - before - 1).u8(children >>> Byte.SIZE).u8(children & 0xff);
      before = differing.parent();
    }
  }

  static Frame.Compared readCompared(ByteReader in) {
    long request = in.varint("request");
    long keys = FrameFields.readCounter(in, "keys");
    int count = in.varint("families", 0, in.remaining() / 3);
    var differing = new ArrayList<Frame.Differing>(count);
    int parent = -1;
    for (int i = 0; i < count; i++) {
      parent = readPath(in, parent, HeaderTree.MAX_DEPTH - HeaderTree.STEP);
      int children = in.u8("children") << Byte.SIZE | in.u8("children");
      if (children == 0) {
        throw new WireFormatException("a family that does not differ");
      }
      differing.add(new Frame.Differing(parent, children));
    }
    return new Frame.Compared(request, keys, differing);
  }

  static void write(ByteWriter out, Frame.Dots dots) {
    out.varint(dots.request()).u8(dots.depth());
    var actors = DotsCodec.begin(out, dots.nodes().stream().map(Frame.Below::dots).toList());
    out.varint(dots.nodes().size());
    int before = -1;
    for (Frame.Below below : dots.nodes()) {
      out.varint(below.prefix() - before - 1);
      DotsCodec.write(out, actors, below.dots());
      before = below.prefix();
    }
  }

  static Frame.Dots readDots(ByteReader in) {
    long request = in.varint("request");
    int depth = readDepth(in);
    DotsCodec dots = DotsCodec.begin(in);
    int count = in.varint("nodes", 0, in.remaining() / 2);
    var nodes = new ArrayList<Frame.Below>(Math.min(count, 1024));
    int prefix = -1;
    for (int i = 0; i < count; i++) {
      prefix = readPath(in, prefix, depth);
      nodes.add(new Frame.Below(prefix, dots.read(in)));
    }
    dots.end();
    return new Frame.Dots(request, depth, nodes);
  }

  static void write(ByteWriter out, Frame.Repair repair) {
    out.varint(repair.request()).varint(repair.part()).u8(repair.last() ? 1 : 0);
    var actors = DotsCodec.begin(out, List.of(repair.wanted()));
    DotsCodec.write(out, actors, repair.wanted());
    out.varint(repair.records().size());
    repair.records().forEach(record -> RecordCodec.writeRecord(out, record));
  }

  static Frame.Repair readRepair(ByteReader in) {
    long request = in.varint("request");
    int part = in.varint("part", 0, Integer.MAX_VALUE);
    boolean last = FrameFields.readFlag(in, "last");
    DotsCodec dots = DotsCodec.begin(in);
    List<Dot> wanted = dots.read(in);
    dots.end();
    return new Frame.Repair(
        request, part, last, wanted, FrameFields.readList(in, "records", RecordCodec::readRecord));
  }
}
