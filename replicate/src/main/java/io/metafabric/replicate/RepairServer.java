package io.metafabric.replicate;

import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.digest.ComparedDots;
import io.metafabric.core.digest.HeaderTree;
import io.metafabric.core.digest.LiveDots;
import io.metafabric.core.error.FabricException;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.store.Inbound;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.transport.PeerConnection;
import io.metafabric.core.version.Dot;
import io.metafabric.core.wire.Frame;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The side of a comparison that is asked: keeps nothing between one question and the next but what
 * spares it work, and that not for long. One question is answered at a time, and some wait; what is
 * more is dropped, and who asks, asks again. Answers give way to all else: a part is sent only when
 * no other data waits for the link. Belongs to the loop; what passes over the index or reads the
 * journal runs in the background.
 */
final class RepairServer {
  /** An answer of several records has no larger frames. */
  static final int PART_BYTES = 128 * 1024;

  /** Whoever asks has no more under way, nor larger ones but for a single record. */
  private static final int MAX_WAITING = 16;

  private static final long MAX_WAITING_BYTES = 2L * MAX_WAITING * PART_BYTES;

  /** A comparison is over, or does not mind to begin with another look at the index. */
  private static final Duration FORGET_AFTER = Duration.ofSeconds(60);

  private final RecordStore store;
  private final LocalCopies copies;
  private final SerialExecutor loop;
  private final SerialExecutor background;
  private final Function<MetadataRecord, Inbound> inbound;
  private final Function<MetadataRecord, MetadataRecord> outgoing;
  private final Consumer<List<MetadataRecord>> taken;

  /** In the background only. */
  private final ComparedDots dots;

  private record Question(long bytes, Runnable answering) {}

  private final Deque<Question> waiting = new ArrayDeque<>();
  private final Deque<Frame> leaving = new ArrayDeque<>();
  private long waitingBytes;
  private boolean busy;
  private SerialExecutor.@Nullable Task forgetting;

  /**
   * @param inbound decides whether a payload is kept here
   * @param outgoing decides whether a record goes with its payload; on the loop
   * @param taken is told what has been taken over; on the loop
   */
  RepairServer(
      RecordStore store,
      LocalCopies copies,
      SerialExecutor loop,
      SerialExecutor background,
      Function<MetadataRecord, Inbound> inbound,
      Function<MetadataRecord, MetadataRecord> outgoing,
      Consumer<List<MetadataRecord>> taken) {
    this.store = store;
    this.copies = copies;
    this.loop = loop;
    this.background = background;
    this.inbound = inbound;
    this.outgoing = outgoing;
    this.taken = taken;
    this.dots = store.liveDots().compared();
  }

  void onCompare(PeerConnection from, Frame.Compare compare) {
    answer(from, () -> List.of(compared(compare)));
  }

  private Frame compared(Frame.Compare compare) {
    if (compare.depth() == CompareRun.FIRST_DEPTH) {
      dots.beginAgain();
    }
    int[] parents = compare.families().stream().mapToInt(Frame.Family::parent).toArray();
    long[] digests = dots.digests(compare.depth(), parents);
    var differing = new ArrayList<Frame.Differing>();
    for (int i = 0; i < parents.length; i++) {
      ByteBuffer theirs = compare.families().get(i).digests().asBuffer();
      int children = 0;
      for (int child = 0; child < Frame.Family.CHILDREN; child++) {
        long own = digests[i * Frame.Family.CHILDREN + child];
        if (theirs.getInt() != HeaderTree.shortened(own, compare.salt())) {
          children |= 1 << child;
        }
      }
      if (children != 0) {
        differing.add(new Frame.Differing(parents[i], children));
      }
    }
    return new Frame.Compared(compare.request(), store.liveDots().keys(), differing);
  }

  void onDots(PeerConnection from, Frame.Dots theirs) {
    answer(from, () -> listed(theirs));
  }

  /** What they lack, as headers alone: they may have something newer. And what we lack. */
  private List<Frame> listed(Frame.Dots theirs) {
    int[] prefixes = theirs.nodes().stream().mapToInt(Frame.Below::prefix).toArray();
    List<List<Dot>> ours = dots.below(theirs.depth(), prefixes);
    var lackedHere = new ArrayList<Dot>();
    var lackedThere = new ArrayList<Dot>();
    for (int i = 0; i < prefixes.length; i++) {
      List<Dot> there = theirs.nodes().get(i).dots();
      var known = new HashSet<>(there);
      var here = new HashSet<>(ours.get(i));
      ours.get(i).stream().filter(dot -> !known.contains(dot)).forEach(lackedThere::add);
      there.stream().filter(dot -> !here.contains(dot)).forEach(lackedHere::add);
    }
    // What cannot be read is lacking here too: they are not to take this list for all that there
    // is, and see that it is not theirs.
    List<MetadataRecord> headers = dots.headers(lackedThere, lackedHere::add);
    lackedHere.sort(LiveDots.ORDER);
    return parts(theirs.request(), lackedHere, headers);
  }

  void onRepair(PeerConnection from, Frame.Repair repair) {
    if (repair.request() == 0) {
      take(repair.records());
      return;
    }
    long bytes = repair.records().stream().mapToLong(RecordCodec::estimatedBytes).sum();
    enqueue(
        new Question(
            bytes,
            () ->
                take(repair.records())
                    .thenAccept(
                        taken -> {
                          if (taken) {
                            background.execute(() -> sendWanted(from, repair));
                          } else {
                            // Refused by the disk or the index: without an answer they try again,
                            // or give up.
                            answered(from, List.of());
                          }
                        })));
  }

  /** On the loop: whether they are here now, or something newer. */
  private CompletableFuture<Boolean> take(List<MetadataRecord> records) {
    var news = new ArrayList<Inbound>();
    records.forEach(record -> news.add(inbound.apply(record)));
    return applying(news)
        .handleAsync(
            (applied, failure) -> {
              if (failure == null) {
                taken.accept(records);
              }
              return failure == null;
            },
            loop);
  }

  private CompletableFuture<Void> applying(List<Inbound> news) {
    try {
      return store.applyAll(news);
    } catch (FabricException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  private void sendWanted(PeerConnection from, Frame.Repair repair) {
    List<MetadataRecord> wanted = List.of();
    try {
      wanted = withPayloads(dots, copies, repair.wanted());
    } finally {
      List<MetadataRecord> found = wanted;
      loop.execute(
          () ->
              answered(
                  from, parts(repair.request(), List.of(), found.stream().map(outgoing).toList())));
    }
  }

  /** With payloads from any tier. */
  static List<MetadataRecord> withPayloads(
      ComparedDots dots, LocalCopies copies, List<Dot> wanted) {
    var records = new ArrayList<MetadataRecord>();
    for (MetadataRecord record : dots.records(wanted)) {
      MetadataRecord found = record.payload() == null ? copies.find(record.key()) : record;
      Dot dot = record.header().version().dot();
      boolean isSame = found != null && found.header().version().dot().equals(dot);
      records.add(isSame ? found : record);
    }
    return records;
  }

  private static List<Frame> parts(long request, List<Dot> wanted, List<MetadataRecord> records) {
    var parts = new ArrayList<Frame>();
    var batch = new ArrayList<MetadataRecord>();
    List<Dot> alsoWanted = wanted;
    int bytes = 0;
    for (MetadataRecord record : records) {
      int more = RecordCodec.estimatedBytes(record);
      if (!batch.isEmpty() && bytes + more > PART_BYTES) {
        parts.add(new Frame.Repair(request, parts.size(), false, alsoWanted, batch));
        alsoWanted = List.of();
        batch.clear();
        bytes = 0;
      }
      batch.add(record);
      bytes += more;
    }
    parts.add(new Frame.Repair(request, parts.size(), true, alsoWanted, batch));
    return parts;
  }

  private void answer(PeerConnection from, Supplier<List<Frame>> work) {
    enqueue(
        new Question(
            0,
            () ->
                background.execute(
                    () -> {
                      List<Frame> frames = List.of();
                      try {
                        frames = work.get();
                      } finally {
                        List<Frame> made = frames;
                        loop.execute(() -> answered(from, made));
                      }
                    })));
  }

  private void enqueue(Question question) {
    boolean fits = waiting.isEmpty() || waitingBytes + question.bytes <= MAX_WAITING_BYTES;
    if (fits && waiting.size() < MAX_WAITING) {
      waiting.add(question);
      waitingBytes += question.bytes;
      answerNext();
    }
  }

  /** One answer is in memory at a time. */
  private void answerNext() {
    if (busy || !leaving.isEmpty() || waiting.isEmpty()) {
      return;
    }
    Question next = waiting.remove();
    waitingBytes -= next.bytes;
    busy = true;
    forgetLater();
    next.answering.run();
  }

  private void answered(PeerConnection from, List<Frame> frames) {
    busy = false;
    leaving.addAll(frames);
    goOn(from);
  }

  /** Nothing else waits for the link now, perhaps. */
  void goOn(PeerConnection to) {
    while (!leaving.isEmpty() && to.isDrained()) {
      if (!to.send(leaving.remove())) {
        // No room: who asked hears nothing, and asks again.
        leaving.clear();
      }
    }
    answerNext();
  }

  private void forgetLater() {
    cancelForgetting();
    forgetting = loop.schedule(FORGET_AFTER, () -> background.execute(dots::clear));
  }

  private void cancelForgetting() {
    if (forgetting != null) {
      forgetting.cancel();
    }
  }

  /** The peer is gone. */
  void close() {
    cancelForgetting();
    waiting.clear();
    waitingBytes = 0;
    leaving.clear();
  }
}
