package io.metafabric.core.wire;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.digest.LiveDots;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * Many dots of few actors: the actors once, ascending, then lists of dots, each a number of an
 * actor and a counter, in {@link LiveDots#ORDER}. There is one way to write them.
 */
final class DotsCodec {
  private final List<ActorId> actors;
  private final BitSet used = new BitSet();

  private DotsCodec(List<ActorId> actors) {
    this.actors = actors;
  }

  /** Writes the actors of all lists; returns what {@link #write} takes. */
  static Map<ActorId, Integer> begin(ByteWriter out, Collection<List<Dot>> lists) {
    var all = new TreeSet<ActorId>();
    lists.forEach(dots -> dots.forEach(dot -> all.add(dot.actor())));
    var numbers = new HashMap<ActorId, Integer>();
    out.varint(all.size());
    for (ActorId actor : all) {
      out.i64(actor.id());
      numbers.put(actor, numbers.size());
    }
    return numbers;
  }

  static void write(ByteWriter out, Map<ActorId, Integer> numbers, List<Dot> dots) {
    out.varint(dots.size());
    for (Dot dot : dots) {
      out.varint(numbers.getOrDefault(dot.actor(), 0)).varint(dot.counter());
    }
  }

  static DotsCodec begin(ByteReader in) {
    int count = in.varint("actors", 0, in.remaining() / Long.BYTES);
    var actors = new ArrayList<ActorId>(Math.min(count, 1024));
    for (int i = 0; i < count; i++) {
      var actor = new ActorId(in.i64("actor"));
      if (i > 0 && actors.get(i - 1).compareTo(actor) >= 0) {
        throw new WireFormatException("actors are not in order at " + actor);
      }
      actors.add(actor);
    }
    return new DotsCodec(actors);
  }

  List<Dot> read(ByteReader in) {
    int count = in.varint("dots", 0, in.remaining() / 2);
    var dots = new ArrayList<Dot>(Math.min(count, 1024));
    for (int i = 0; i < count; i++) {
      int actor = in.varint("number of an actor", 0, actors.size() - 1);
      long counter = in.varint("counter");
      if (counter < 1) {
        throw new WireFormatException("a counter must be >= 1, was " + counter);
      }
      used.set(actor);
      var dot = new Dot(actors.get(actor), counter);
      if (i > 0 && LiveDots.ORDER.compare(dots.get(i - 1), dot) >= 0) {
        throw new WireFormatException("dots are not in order at " + dot);
      }
      dots.add(dot);
    }
    return dots;
  }

  /** All lists have been read. */
  void end() {
    if (used.cardinality() != actors.size()) {
      throw new WireFormatException("an actor is named that no dot has");
    }
  }
}
