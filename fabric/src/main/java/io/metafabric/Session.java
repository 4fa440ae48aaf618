package io.metafabric;

import io.metafabric.core.version.Version;
import java.util.Optional;

/**
 * Reads and writes that belong together, wherever they happen: a user's, a job's, a request's. It
 * goes on in another region, or later, with its {@linkplain #token() token}.
 *
 * <p>Of Terry et al., 1994, in whatever regions the session was before:
 *
 * <ul>
 *   <li><i>read your writes</i>: a read shows what the session wrote of the key, or something
 *       newer;
 *   <li><i>monotonic reads</i>: and nothing older than what it has read;
 *   <li><i>monotonic writes</i>, <i>writes follow reads</i>: a write comes after all that the
 *       session has written and read, of whatever keys: another session that has read it sees those
 *       too, in every region. A reader without a session sees each key by itself.
 * </ul>
 *
 * <p>Where this region does not know enough of a key, a read asks those that do, or waits; a write
 * waits until everything is here. Both for at most the fetch timeout: then they throw {@link
 * io.metafabric.core.error.NotReplicatedException}, which says what is missing, and nothing was
 * read or written. Older values in place of a newer one that cannot be had are never shown.
 *
 * <p>What is asked for is known while no region loses a disk, or is given an older one; and a
 * session may have to wait for more than it has read: for all that a region wrote before. It does
 * not hold for values of a {@link SystemOfRecord}, which have no version: another region may show
 * an older copy of one.
 *
 * <p>Thread-safe: what one thread has read, the next call of any other depends on.
 */
public interface Session {
  /**
   * The value of a key, as {@link Records#get}.
   *
   * @throws io.metafabric.core.error.NotReplicatedException if nobody who knows enough was
   *     reachable within the fetch timeout
   * @throws io.metafabric.core.error.RegionUnreachableException as {@code get}, and where that
   *     would show a stale value
   */
  Optional<Versioned> get(String key);

  /**
   * Stores a value, as {@link Records#put(String, byte[])}.
   *
   * @throws io.metafabric.core.error.NotReplicatedException if this region did not get within the
   *     fetch timeout what the session depends on; nothing was stored
   */
  Version put(String key, byte[] value);

  /**
   * Deletes a value, as {@link Records#remove}.
   *
   * @throws io.metafabric.core.error.NotReplicatedException as {@link #put}
   */
  boolean remove(String key);

  /** From here on the session depends on what another one does, too; see {@link #token}. */
  void join(SessionToken other);

  /**
   * What the session has read and written by now.
   *
   * @throws io.metafabric.core.error.SessionTokenException if it depends on more than 1,024
   *     openings of regions
   */
  SessionToken token();
}
