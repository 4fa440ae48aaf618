package io.metafabric.node;

import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.AccessEvent.Outcome;
import io.metafabric.core.access.Prediction;
import io.metafabric.core.port.Clock;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Key;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.MoveOutcome;
import io.metafabric.core.wire.ShadowReason;
import io.metafabric.replicate.shadow.ShadowRule;
import io.metafabric.replicate.shadow.ShadowRules;
import io.metafabric.replicate.shadow.ShadowShelf;
import io.metafabric.replicate.shadow.ShadowTerms;
import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Watches what is read and predicted here, and asks for shadows where a rule wants them; looks
 * after those that there are. No read waits for it. Belongs to the loop.
 */
final class ShadowKeeper {
  /** With home and backup alone there is no shadow. */
  private static final int WITHOUT_SHADOWS = 2;

  private static final Duration SWEEP_EVERY = Duration.ofSeconds(1);

  /** What the home or the budget has refused is not asked for again for so long. */
  private static final Duration REFUSED_FOR = Duration.ofSeconds(30);

  private static final int MAX_UNDER_WAY = 256;
  private static final int MAX_REFUSED = 4096;

  private final Clock clock;
  private final SerialExecutor loop;
  private final ShadowShelf shelf;
  private final Shadows shadows;
  private final Predicate<Key> isToHold;
  private final Set<String> underWay = new HashSet<>();

  /** Until when, by path; the eldest first. */
  private final Map<String, Long> refused = new LinkedHashMap<>();

  private volatile ShadowRules rules;
  private long sweptNanos;

  /**
   * @param isToHold whether this region is home or backup of a key
   */
  ShadowKeeper(
      Clock clock,
      SerialExecutor loop,
      ShadowShelf shelf,
      Shadows shadows,
      Predicate<Key> isToHold,
      ShadowRules rules) {
    this.clock = clock;
    this.loop = loop;
    this.shelf = shelf;
    this.shadows = shadows;
    this.isToHold = isToHold;
    this.rules = rules;
    this.sweptNanos = clock.nanoTime();
  }

  /** From the next read on. Any thread. */
  void setRules(ShadowRules next) {
    rules = next;
  }

  /** A read; what it found is here, or on its way. */
  void read(AccessEvent event) {
    shelf.read(event.key(), event.outcome() == Outcome.REMOTE);
    if (event.outcome() != Outcome.ABSENT && event.outcome() != Outcome.ORIGIN) {
      consider(event.key(), event.client(), ShadowReason.FIRST_READ);
    }
  }

  /** A copy that was predicted to be read has come. */
  void arrived(Prediction prediction) {
    if (prediction.probability() >= rules.confidence()) {
      consider(prediction.key().path(), null, ShadowReason.PREDICTED);
    }
  }

  private void consider(String path, @Nullable String client, ShadowReason reason) {
    ShadowRules now = rules;
    if (now.isEmpty()) {
      return;
    }
    ShadowRule rule = now.ruleFor(path, client);
    if (rule.factor() <= WITHOUT_SHADOWS || underWay.size() >= MAX_UNDER_WAY) {
      return;
    }
    Long until = refused.get(path);
    if (until != null && clock.nanoTime() - until < 0) {
      return;
    }
    Key key = Key.of(path);
    if (shelf.contains(key) || isToHold.test(key) || !underWay.add(path)) {
      return;
    }
    ShadowTerms terms = ShadowTerms.by(reason, rule, client);
    shadows.claim(key, terms, null).thenAccept(said -> settled(key, terms, said));
  }

  private void settled(Key key, ShadowTerms terms, Frame.ShadowAnswer said) {
    if (said.outcome() == MoveOutcome.DONE) {
      // Also what was paid for and did not come is not asked for at each read.
      shadows
          .take(key, terms)
          .whenComplete(
              (isTaken, failure) -> loop.execute(() -> ended(key, failure == null && isTaken)));
    } else {
      ended(key, false);
    }
  }

  private void ended(Key key, boolean isTaken) {
    underWay.remove(key.path());
    refused.remove(key.path());
    if (isTaken) {
      return;
    }
    refused.put(key.path(), clock.nanoTime() + REFUSED_FOR.toNanos());
    if (refused.size() > MAX_REFUSED) {
      refused.remove(refused.keySet().iterator().next());
    }
  }

  void tick() {
    long nowNanos = clock.nanoTime();
    if (nowNanos - sweptNanos >= SWEEP_EVERY.toNanos()) {
      sweptNanos = nowNanos;
      shadows.sweep(rules);
    }
  }
}
