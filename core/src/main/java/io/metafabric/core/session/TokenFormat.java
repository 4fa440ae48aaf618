package io.metafabric.core.session;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.Checksums;
import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.error.SessionTokenException;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of a session's token.
 *
 * <pre>
 * 0        1       2
 * +--------+-------+---------+-----------+--------+-------+--------------------------------+-------+
 * | format | flags | cluster | stamp (8) | vector | count | key hash (8), actor (8), count | check |
 * +--------+-------+---------+-----------+--------+-------+--------------------------------+-------+
 *   2        bit 0:  text                  varints          for each; count is a varint      CRC32C
 *            keyed                                                                           (4), or
 *                                                                                            MAC (16)
 * </pre>
 *
 * <p>Big-endian; vector, text and varint are those of docs/FORMAT.md. The check is over all bytes
 * before it. Stateless.
 */
public final class TokenFormat {
  /** Of a token; more are not looked at. */
  public static final int MAX_BYTES = 32 << 10;

  private static final int FORMAT = 2;
  private static final int KEYED = 1;
  private static final int CRC_BYTES = 4;
  private static final int MAX_CLUSTER_BYTES = 1024;

  /**
   * What a token says. Of one that is keyed nobody knows whether it is true before {@link #verify}.
   */
  public record Content(String cluster, boolean keyed, Dependencies dependencies) {}

  private TokenFormat() {}

  /**
   * @param secret null for a checksum that anybody can compute
   * @throws SessionTokenException if it would have more than {@link #MAX_BYTES}
   */
  public static byte[] encode(
      String cluster, Dependencies dependencies, @Nullable TokenSecret secret) {
    if (dependencies.upTo().size() > Dependencies.MAX_ACTORS) {
      throw new SessionTokenException(
          "the session depends on more than "
              + Dependencies.MAX_ACTORS
              + " openings of regions that some region has not heard of; begin another one");
    }
    var out = new ByteWriter(64);
    out.u8(FORMAT).u8(secret == null ? 0 : KEYED).text(cluster);
    out.i64(dependencies.latest().packed());
    RecordCodec.writeVector(out, dependencies.upTo());
    out.varint(dependencies.recent().size());
    for (Dependencies.Recent each : dependencies.recent()) {
      out.i64(each.keyHash()).i64(each.dot().actor().id()).varint(each.dot().counter());
    }
    if (secret == null) {
      out.i32(out.crc32c(0));
    } else {
      out.bytes(secret.mac(out.written()));
    }
    return out.toArray();
  }

  /**
   * Reads a token, and checks its checksum if it is not keyed.
   *
   * @throws SessionTokenException if these are not the bytes of one
   */
  public static Content decode(byte[] bytes) {
    if (bytes.length < 2 + CRC_BYTES || bytes.length > MAX_BYTES) {
      throw new SessionTokenException(
          "a session token has "
              + (2 + CRC_BYTES)
              + " bytes at least and "
              + MAX_BYTES
              + " at most, and not "
              + bytes.length
              + "; it was cut off, or is none");
    }
    if (bytes[0] != FORMAT) {
      throw new SessionTokenException(
          "the session token has format "
              + (bytes[0] & 0xff)
              + ", but this version reads format "
              + FORMAT
              + "; begin another session");
    }
    if ((bytes[1] & ~KEYED) != 0) {
      throw new SessionTokenException("the session token has unknown flags " + (bytes[1] & 0xff));
    }
    boolean keyed = bytes[1] == KEYED;
    int length = bytes.length - (keyed ? TokenSecret.MAC_BYTES : CRC_BYTES);
    if (length < 2) {
      throw new SessionTokenException("the session token is cut off");
    }
    if (!keyed) {
      int crc = ByteBuffer.wrap(bytes).getInt(length);
      if (Checksums.crc32c(ByteBuffer.wrap(bytes, 0, length)) != crc) {
        throw new SessionTokenException(
            "the checksum of the session token is wrong: it was cut off or altered on its way");
      }
    }
    try {
      return content(new ByteReader(ByteBuffer.wrap(bytes, 2, length - 2)), keyed);
    } catch (WireFormatException | IllegalArgumentException e) {
      throw new SessionTokenException("not a session token: " + e.getMessage(), e);
    }
  }

  private static Content content(ByteReader in, boolean keyed) {
    String cluster = in.text("cluster", MAX_CLUSTER_BYTES);
    var latest = new Stamp(in.i64("stamp"));
    var upTo = RecordCodec.readVector(in);
    int count = in.varint("single writes", 0, Dependencies.MAX_RECENT);
    var recent = new ArrayList<Dependencies.Recent>(count);
    for (int i = 0; i < count; i++) {
      long hash = in.i64("key hash");
      var actor = new ActorId(in.i64("actor"));
      recent.add(new Dependencies.Recent(hash, new Dot(actor, in.varint("counter"))));
    }
    in.end("the session token");
    return new Content(cluster, keyed, Dependencies.of(upTo, recent, latest));
  }

  /**
   * Whether a keyed token was made with this secret, in a time that does not depend on the bytes.
   */
  public static boolean verify(byte[] bytes, TokenSecret secret) {
    int length = bytes.length - TokenSecret.MAC_BYTES;
    byte[] mac = Arrays.copyOfRange(bytes, length, bytes.length);
    return MessageDigest.isEqual(mac, secret.mac(ByteBuffer.wrap(bytes, 0, length)));
  }
}
