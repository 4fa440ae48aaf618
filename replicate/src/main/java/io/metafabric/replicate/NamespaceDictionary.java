package io.metafabric.replicate;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.TrainedDictionary;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The dictionary of one namespace: first samples, then, once there are enough, what was trained by
 * them, for as long as that saves what it promised. Between one training and the next is a pause
 * that doubles each time, so that payloads with nothing in common cost nothing. Not thread-safe.
 */
final class NamespaceDictionary {
  /** Of longer ones what they have in common is little, beside what compression finds in each. */
  static final int MAX_PAYLOAD_BYTES = 2048;

  /** Of fewer no dictionary can be trained. */
  private static final int MIN_SAMPLES = 16;

  /** An entry of a list and two objects, by estimate. */
  private static final int SAMPLE_BYTES = 64;

  /** Without samples and dictionary, by estimate. */
  private static final int OWN_BYTES = 512;

  /** A dictionary is used that saves so much of what the payloads would take otherwise. */
  private static final double MIN_GAIN = 0.2;

  /** So many payloads show whether it still does. */
  private static final int WINDOW = 256;

  private static final Duration FIRST_PAUSE = Duration.ofMinutes(1);
  private static final Duration MAX_PAUSE = Duration.ofHours(1);

  private final int place;
  private final int sampleBytes;
  private List<Bytes> samples = new ArrayList<>();
  private int sampledBytes;
  private boolean training;
  private long pauseNanos = FIRST_PAUSE.toNanos();
  private long restsUntilNanos;
  private long usedNanos;
  private Frame.@Nullable Dictionary dictionary;
  private double toldShare;
  private double uselessShare;
  private int payloads;
  private long payloadBytes;
  private long toldBytes;

  NamespaceDictionary(int place, int sampleBytes, long now) {
    this.place = place;
    this.sampleBytes = sampleBytes;
    this.restsUntilNanos = now;
    this.usedNanos = now;
  }

  static long maxBytes(int sampleBytes) {
    long largestSample = SAMPLE_BYTES + (long) MAX_PAYLOAD_BYTES;
    long samples = Math.max(sampleBytes, MIN_SAMPLES * largestSample) + largestSample;
    return OWN_BYTES + samples + Frame.Dictionary.MAX_BYTES;
  }

  int place() {
    return place;
  }

  void used(long now) {
    usedNanos = now;
  }

  boolean isIdle(long now, Duration howLong) {
    return !training && now - usedNanos > howLong.toNanos();
  }

  /** Null while there is none that is worth it. */
  Frame.@Nullable Dictionary dictionary() {
    return dictionary;
  }

  /** Of the bytes of a payload, what the dictionary promised to leave out. */
  double savedShare() {
    return 1 - toldShare;
  }

  /**
   * A payload that could have been told by a dictionary.
   *
   * @return whether there are enough samples now, and {@link #train} is due
   */
  boolean sample(Bytes payload, long now) {
    if (training || dictionary != null || now - restsUntilNanos < 0) {
      return false;
    }
    samples.add(payload);
    sampledBytes += SAMPLE_BYTES + payload.length();
    return sampledBytes >= sampleBytes && samples.size() >= MIN_SAMPLES;
  }

  /** What to train by, until {@link #trained}. */
  List<Bytes> train(long now) {
    training = true;
    restsUntilNanos = now + pauseNanos;
    pauseNanos = Math.min(2 * pauseNanos, MAX_PAUSE.toNanos());
    return samples;
  }

  /**
   * @return whether it is of use
   */
  boolean trained(@Nullable TrainedDictionary by, long number) {
    training = false;
    samples = new ArrayList<>();
    sampledBytes = 0;
    if (by == null || by.toldShare() > (1 - MIN_GAIN) * by.wholeShare()) {
      return false;
    }
    dictionary = new Frame.Dictionary(place, number, by.bytes());
    toldShare = by.toldShare();
    uselessShare = (by.wholeShare() + by.toldShare()) / 2;
    startWindow();
    return true;
  }

  /**
   * A payload was told by the dictionary, or could not be shorter.
   *
   * @return false if those of late were told so badly that it is given up
   */
  boolean told(int wholeBytes, int asBytes) {
    payloads++;
    payloadBytes += wholeBytes;
    toldBytes += asBytes;
    if (payloads < WINDOW) {
      return true;
    }
    boolean isOfUse = toldBytes <= uselessShare * payloadBytes;
    if (!isOfUse) {
      dictionary = null;
    }
    startWindow();
    return isOfUse;
  }

  private void startWindow() {
    payloads = 0;
    payloadBytes = 0;
    toldBytes = 0;
  }

  long estimatedBytes() {
    Frame.Dictionary present = dictionary;
    return (long) OWN_BYTES + sampledBytes + (present == null ? 0 : present.bytes().length());
  }
}
