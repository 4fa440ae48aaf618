package io.metafabric.benchmarks.replication;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Values of 200 bytes that are like their neighbours, but for what is their own: JSON, written
 * without texts in between, so that what is measured is not how they are made.
 */
final class AssetValues {
  static final int BYTES = 200;

  private static final byte[] ID = ascii("{\"id\":\"asset-");
  private static final byte[] OWNER = ascii("\",\"owner\":\"team-");
  private static final byte[] TYPE = ascii("\",\"type\":\"image/jpeg\",\"bytes\":");
  private static final byte[] ETAG = ascii(",\"etag\":\"");
  private static final byte[] MODIFIED = ascii("\",\"modified\":");
  private static final byte[] PATH = ascii(",\"tags\":[\"raw\",\"eu\"],\"path\":\"/projects/");
  private static final byte[] RAW = ascii("/raw/");
  private static final byte[] END = ascii(".jpg\",\"state\":\"ready\"}");
  private static final byte[] HEX = ascii("0123456789abcdef");
  private static final int HEX_DIGITS = 16;

  private final SplittableRandom random;
  private byte[] value = new byte[BYTES];
  private int length;

  AssetValues(SplittableRandom random) {
    this.random = random;
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  byte[] next(int id) {
    value = new byte[BYTES];
    length = 0;
    text(ID).number(id).text(OWNER).number(id % 50).text(TYPE).number(random.nextInt(10_000_000));
    text(ETAG).hex(random.nextLong()).text(MODIFIED);
    number(1_795_000_000_000L + random.nextInt(86_400_000));
    text(PATH).number(id % 1000).text(RAW).number(id).text(END);
    Arrays.fill(value, length, BYTES, (byte) ' ');
    return value;
  }

  private AssetValues text(byte[] ascii) {
    System.arraycopy(ascii, 0, value, length, ascii.length);
    length += ascii.length;
    return this;
  }

  private AssetValues number(long number) {
    int digits = 1;
    for (long rest = number; rest >= 10; rest /= 10) {
      digits++;
    }
    long rest = number;
    for (int at = length + digits - 1; at >= length; at--) {
      value[at] = (byte) ('0' + rest % 10);
      rest /= 10;
    }
    length += digits;
    return this;
  }

  private AssetValues hex(long bits) {
    for (int i = HEX_DIGITS - 1; i >= 0; i--) {
      value[length++] = HEX[(int) (bits >>> (4 * i)) & 15];
    }
    return this;
  }
}
