package io.metafabric.replicate.zstd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.wire.DeltaCoding;
import io.metafabric.core.wire.TrainedDictionary;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.lifecycle.AfterProperty;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ZstdDeltasTest {
  private final DeltaCoding deltas = Objects.requireNonNull(ZstdDeltas.load());

  @AfterEach
  @AfterProperty
  void close() {
    deltas.close();
  }

  private static Bytes text(int lines, String word) {
    var text = new StringBuilder();
    for (int i = 0; i < lines; i++) {
      text.append("line ").append(i * 7919 % 1000).append(i == 5 ? word : " as it was\n");
    }
    return Bytes.utf8(text.toString());
  }

  @Test
  void aSmallEdit_isToldInFewBytes_andComesBack() {
    Bytes before = text(200, "before");
    Bytes after = text(200, "after");
    Bytes delta = Objects.requireNonNull(deltas.encode(before, after));
    assertThat(delta.length()).isLessThan(40);
    assertThat(deltas.decode(before, delta, after.length())).isEqualTo(after);
  }

  @Property(tries = 300)
  void whatIsTold_comesBack_whateverTheBase(
      @ForAll @Size(max = 5000) byte[] before,
      @ForAll @Size(min = 1, max = 5000) byte[] after,
      @ForAll @IntRange(max = 5000) int shared) {
    byte[] mixed = after.clone();
    System.arraycopy(before, 0, mixed, 0, Math.min(shared, Math.min(before.length, mixed.length)));
    Bytes base = Bytes.copyOf(before);
    Bytes value = Bytes.copyOf(mixed);
    Bytes delta = deltas.encode(base, value);
    if (delta != null) {
      assertThat(delta.length()).isLessThan(value.length());
      assertThat(deltas.decode(base, delta, value.length())).isEqualTo(value);
    }
  }

  private static Bytes asset(Random random) {
    int id = random.nextInt(100_000);
    return Bytes.utf8(
        "{\"id\":\"asset-%d\",\"owner\":\"team-%d\",\"etag\":\"%016x\",\"state\":\"ready\"}"
            .formatted(id, id % 50, random.nextLong()));
  }

  private static List<Bytes> assets(int count) {
    var random = new Random(1);
    return IntStream.range(0, count).mapToObj(i -> asset(random)).toList();
  }

  @Test
  void shortValues_areToldByWhatTheyHaveInCommon_andComeBack() {
    TrainedDictionary trained = Objects.requireNonNull(deltas.train(assets(200), 4096));
    assertThat(trained.bytes().length()).isLessThanOrEqualTo(4096);
    assertThat(trained.toldShare()).isLessThan(0.6 * trained.wholeShare());
    assertThat(trained.wholeShare()).isLessThanOrEqualTo(1);
    var random = new Random(2);
    for (int i = 0; i < 100; i++) {
      Bytes value = asset(random);
      Bytes told = Objects.requireNonNull(deltas.encodeBy(trained.bytes(), value));
      assertThat(told.length()).isLessThan(value.length() * 6 / 10);
      assertThat(deltas.decodeBy(trained.bytes(), told, value.length())).isEqualTo(value);
    }
  }

  @Test
  void theSameSamples_makeTheSameDictionary() {
    assertThat(deltas.train(assets(100), 4096)).isEqualTo(deltas.train(assets(100), 4096));
  }

  @Test
  void ofTooFewSamples_orOfNoise_nothingIsMade_thatIsOfUse() {
    assertThat(deltas.train(List.of(), 4096)).isNull();
    assertThat(deltas.train(assets(3), 4096)).isNull();
    var random = new Random(3);
    var noise = new ArrayList<Bytes>();
    for (int i = 0; i < 100; i++) {
      byte[] each = new byte[200];
      random.nextBytes(each);
      noise.add(Bytes.copyOf(each));
    }
    TrainedDictionary trained = deltas.train(noise, 4096);
    if (trained != null) {
      assertThat(trained.toldShare()).isGreaterThan(0.99);
    }
  }

  @Property(tries = 300)
  void aDictionaryOfAnyBytes_failsTyped_orComesToWhatWasSaid(
      @ForAll @Size(min = 1, max = 300) byte[] bytes, @ForAll boolean looksTrained) {
    Bytes value = asset(new Random(4));
    Bytes good = Objects.requireNonNull(deltas.train(assets(100), 4096)).bytes();
    byte[] wrong = good.toArray();
    System.arraycopy(bytes, 0, wrong, looksTrained ? 8 : 0, bytes.length);
    Bytes told = Objects.requireNonNull(deltas.encodeBy(good, value));
    try {
      assertThat(deltas.decodeBy(Bytes.copyOf(wrong), told, value.length()).length())
          .isEqualTo(value.length());
    } catch (WireFormatException e) {
      assertThat(e).hasMessageContaining("delta");
    }
    assertThat(deltas.decodeBy(good, told, value.length())).isEqualTo(value);
  }

  @Test
  void largeValues_areToldByTheirEnds_too() {
    byte[] before = new byte[400_000];
    new Random(1).nextBytes(before);
    byte[] after = before.clone();
    after[0]++;
    after[after.length - 1]++;
    Bytes base = Bytes.copyOf(before);
    Bytes delta = Objects.requireNonNull(deltas.encode(base, Bytes.copyOf(after)));
    assertThat(delta.length()).isLessThan(before.length / 20);
    assertThat(deltas.decode(base, delta, after.length)).isEqualTo(Bytes.copyOf(after));
  }

  @Test
  void whatHasNothingToDoWithTheBase_goesWhole() {
    byte[] noise = new byte[1000];
    new Random(2).nextBytes(noise);
    assertThat(deltas.encode(text(20, "x"), Bytes.copyOf(noise))).isNull();
    assertThat(deltas.encode(Bytes.EMPTY, Bytes.EMPTY)).isNull();
  }

  @Test
  void whatFails_doesNotHurtWhatComesAfter() {
    Bytes before = text(200, "before");
    Bytes after = text(200, "after");
    for (int i = 0; i < 3; i++) {
      byte[] noise = new byte[4096];
      new Random(i).nextBytes(noise);
      assertThat(deltas.encode(before, Bytes.copyOf(noise))).isNull();
      Bytes delta = Objects.requireNonNull(deltas.encode(before, after));
      assertThat(delta.length()).isLessThan(40);
      assertThatThrownBy(() -> deltas.decode(before, delta, 10))
          .isInstanceOf(WireFormatException.class);
      assertThatThrownBy(() -> deltas.decode(before, Bytes.copyOf(noise), 10_000))
          .isInstanceOf(WireFormatException.class);
      assertThat(deltas.decode(before, delta, after.length())).isEqualTo(after);
    }
  }

  @Test
  void aBaseThatLooksLikeATrainedDictionary_isNone() {
    Bytes base = Bytes.copyOf(new byte[] {0x37, (byte) 0xa4, 0x30, (byte) 0xec, 1, 2, 3, 4, 5});
    assertThat(deltas.encode(base, text(20, "x"))).isNull();
    Bytes delta = Objects.requireNonNull(deltas.encode(text(20, "y"), text(20, "x")));
    assertThatThrownBy(() -> deltas.decode(base, delta, text(20, "x").length()))
        .isInstanceOf(WireFormatException.class);
  }

  @Test
  void anotherLengthThanSaid_isRefused_beforeMoreIsWritten() {
    Bytes base = text(200, "before");
    Bytes value = text(200, "after");
    Bytes delta = Objects.requireNonNull(deltas.encode(base, value));
    for (int said : new int[] {0, 1, value.length() - 1, value.length() + 1}) {
      assertThatThrownBy(() -> deltas.decode(base, delta, said))
          .isInstanceOf(WireFormatException.class);
    }
  }

  @Test
  void aBomb_growsToWhatWasSaid_andNoFurther() {
    Bytes zeros = Bytes.copyOf(new byte[16 << 20]);
    Bytes bomb = Objects.requireNonNull(deltas.encode(Bytes.utf8("base"), zeros));
    assertThat(bomb.length()).isLessThan(4000);
    assertThatThrownBy(() -> deltas.decode(Bytes.utf8("base"), bomb, 1000))
        .isInstanceOf(WireFormatException.class);
  }

  @Property(tries = 500)
  void damagedBytes_failTyped_orComeToWhatWasSaid(
      @ForAll @IntRange(max = 10_000) int at, @ForAll @IntRange(min = 1, max = 255) int flip) {
    Bytes base = text(100, "before");
    Bytes value = text(100, "after");
    byte[] delta = Objects.requireNonNull(deltas.encode(base, value)).toArray();
    delta[at % delta.length] ^= (byte) flip;
    try {
      assertThat(deltas.decode(base, Bytes.copyOf(delta), value.length()).length())
          .isEqualTo(value.length());
    } catch (WireFormatException e) {
      assertThat(e).hasMessageContaining("delta");
    }
  }
}
