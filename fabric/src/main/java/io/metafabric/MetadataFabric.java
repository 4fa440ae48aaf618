package io.metafabric;

import io.metafabric.core.conflict.Conflict;
import io.metafabric.core.place.Configuration;
import io.metafabric.core.place.Place;
import io.metafabric.core.place.WriteConcern;
import io.metafabric.core.transport.PeerAddress;
import io.metafabric.core.version.Version;
import io.metafabric.predict.ClientForecast;
import io.metafabric.replicate.Comparison;
import io.metafabric.replicate.Route;
import io.metafabric.replicate.arm.CopyBudget;
import io.metafabric.replicate.arm.Prices;
import io.metafabric.replicate.shadow.ShadowRules;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * One node of the fabric, inside the host's process: a store for metadata over all regions.
 *
 * <p>Thread-safe. A hit never waits for a disk, another region or a model; a write never waits for
 * another region. The host that opened it closes it.
 */
public interface MetadataFabric extends Records, AutoCloseable {
  /** A fabric with nothing configured is a single node without a listener. */
  static FabricBuilder builder() {
    return new FabricBuilder();
  }

  /**
   * The same records, read on behalf of someone whose habits are worth learning: a user, a job, a
   * process. Without it every thread is taken for a client of its own.
   */
  Records as(String client);

  /**
   * Begins a session, which has read and written nothing. It needs no closing, and is worth its
   * token alone.
   */
  Session session();

  /**
   * Goes on with a session, of this region or another.
   *
   * @throws io.metafabric.core.error.SessionTokenException if the token is of another cluster, or
   *     not made with this fabric's {@link FabricBuilder#sessionSecret}
   */
  Session session(SessionToken token);

  /**
   * The value of a key as it was {@code maxStaleness} ago, or newer: every write of it that was
   * acknowledged in any member of the cluster before then is in the answer. Answered here while
   * this region has heard of late that it has all of the others' changes, as it does every half a
   * second; else home and backup are asked. Never an older value in place of a newer one. The
   * system of record is not asked.
   *
   * <p>Waits for other regions only if what is known here is too old, or the value itself is not
   * here, and no longer than the fetch timeout.
   *
   * @param maxStaleness less than a round trip to the other regions cannot be met
   * @throws io.metafabric.core.error.StalenessException if nobody who was reachable knows enough: a
   *     region that is cut off may have acknowledged writes of which nobody else has heard
   */
  Fresh get(String key, Duration maxStaleness);

  /**
   * Stores a value, and waits until it is durable elsewhere too.
   *
   * @param timeout for the other regions, once it is durable here
   * @throws io.metafabric.core.session.WriteConcernException if they have not all said so in time:
   *     the write stands all the same, and the exception says where it is durable
   * @throws io.metafabric.core.error.ConfigurationException if there is no other region; nothing
   *     was stored
   */
  Version put(String key, byte[] value, WriteConcern concern, Duration timeout);

  /**
   * Deletes a value, as {@link #remove(String)}, and waits until that is durable elsewhere too; at
   * once if there was none.
   *
   * @throws io.metafabric.core.session.WriteConcernException as {@link #put(String, byte[],
   *     WriteConcern, Duration)}
   * @throws io.metafabric.core.error.ConfigurationException as that
   */
  boolean remove(String key, WriteConcern concern, Duration timeout);

  /**
   * Waits until a region has durably applied everything that a session has read and written.
   *
   * @param region a peer, or this region
   * @throws io.metafabric.core.error.NotReplicatedException if it has not said so within {@code
   *     timeout}
   * @throws io.metafabric.core.error.SessionTokenException as {@link #session(SessionToken)}
   * @throws io.metafabric.core.error.ConfigurationException if there is no such region
   */
  void awaitReplicated(SessionToken token, String region, Duration timeout);

  /** The same without waiting: the future completes, or fails, as that would return or throw. */
  CompletableFuture<Void> whenReplicated(SessionToken token, String region, Duration timeout);

  /** Where peers reach this node; empty if it does not listen. */
  Optional<PeerAddress> listening();

  /** Where HTTP is answered; empty without {@link FabricBuilder#http}. */
  Optional<PeerAddress> httpAddress();

  FabricStats stats();

  /** All other regions, sorted by name. */
  List<Peer> peers();

  /**
   * One of the other regions.
   *
   * @throws io.metafabric.core.error.ConfigurationException if this node has no such peer
   */
  Peer peer(String region);

  /** What this node knows of a key, and why it does or does not hold a copy. */
  Explanation explain(String key);

  /**
   * Which region a client outside should use for a key: of those that are well, as seen from here,
   * the one in which a read takes the client least. How far regions are from the client follows
   * from {@link FabricBuilder#place}; who holds the payload, from what is known here. Waits for no
   * other region.
   *
   * @param client where it is
   * @throws io.metafabric.core.error.UnknownPlaceException if no region has a place
   */
  default Route route(String key, Place client) {
    return route(key, client, Map.of());
  }

  /**
   * The same for a client that has measured round trips of its own, which count before distance.
   *
   * @param measured by region; not of all regions need be
   * @throws io.metafabric.core.error.UnknownPlaceException if it is empty and no region has a place
   * @throws io.metafabric.core.error.InvalidPlaceException if a time is negative or above a minute,
   *     or of no region of this cluster
   */
  Route route(String key, Place client, Map<String, Duration> measured);

  /**
   * The same for a client of which nothing but that is known; regions that it did not measure come
   * last of those that are as well.
   */
  Route route(String key, Map<String, Duration> measured);

  /**
   * The same for a client whose place follows from its address, by {@link
   * FabricBuilder#placeOfAddress}.
   *
   * @throws io.metafabric.core.error.UnknownPlaceException also if there is none, it does not know,
   *     or it throws
   */
  Route route(String key, InetAddress client);

  /**
   * Writes that lost against others which had not seen them, as far as this node knows and has kept
   * them: the newest, within a few megabytes on disk. The oldest come first.
   */
  List<Conflict> conflicts();

  /**
   * Writes the present state of this node into a directory without a journal (it is created if it
   * is not there), durably and while everybody goes on reading and writing. The result is a
   * fabric's directory like any other: to restore, copy it to where the fabric shall live, and open
   * that. Every opening issues versions under a name of its own, so an old copy never repeats one.
   *
   * <p>A restored region gets from its peers what they wrote since, and what it wrote itself since
   * the backup as far as they have it: it compares all headers with theirs. Until that is done, it
   * does not say of a key that nobody wrote it.
   *
   * @return how many journal entries were written
   * @throws io.metafabric.core.error.ConfigurationException if there is a journal already
   * @throws io.metafabric.core.error.StorageException if a disk refused; delete what is there
   * @throws io.metafabric.core.error.PositionNotKeptException if more was written meanwhile than is
   *     kept for readers; try again when less is written
   */
  long backup(Path directory);

  /**
   * Makes {@code region} the home of a key that has a value. The present home commits it, in its
   * own journal and synced, once the next one holds the value durably, and becomes the backup.
   * Reads and writes go on meanwhile; the other regions follow as the move reaches them.
   *
   * @throws io.metafabric.core.error.RegionUnreachableException if the present or the next home
   *     cannot be reached. If the present one did not answer, it may still have moved: {@link
   *     #explain} says where the home is
   * @throws io.metafabric.core.error.HomeMoveException if the key has no value, its home is being
   *     moved, {@code region} is not part of the cluster, or the present home has not heard from
   *     every member since it was opened; nothing was changed
   */
  void moveHome(String key, String region);

  /**
   * Compares all headers with another region's, and brings both regions to the same state. It is
   * done anyway: when a region finds that it has lost writes of its own, after each connection, and
   * every ten minutes.
   *
   * <p>Waits until it is done, within the budget of {@link FabricBuilder#repairBytesPerSecond}.
   *
   * @throws io.metafabric.core.error.ConfigurationException if there is no such peer
   * @throws io.metafabric.core.error.RegionUnreachableException if it cannot be reached, or stops
   *     answering; what came so far stays
   * @throws io.metafabric.core.error.ClockSkewException if a record is stamped too far ahead to be
   *     taken; all others were compared
   */
  Comparison compare(String region);

  /**
   * Looks now whether the files of {@link FabricBuilder#tls} have changed, which is otherwise done
   * every ten seconds. New connections are made with what they are now; those that are open and
   * whose peer is not believed any more, because the trust file has lost what made it so, or
   * because a certificate has expired, are closed.
   *
   * @throws io.metafabric.core.error.ConfigurationException if the fabric was opened without, or
   *     the files cannot be used as they are: what was there before stays in use, and {@link
   *     #stats} says so
   */
  void reloadCertificates();

  /**
   * Which regions belong to the cluster, as far as this one knows. {@link Peer#stats} tells of each
   * peer that was evicted.
   */
  Configuration configuration();

  /**
   * Takes a region out of the cluster, for good as far as its present state is concerned: nothing
   * is kept for it any more, deletions are forgotten without it, and others are the homes of its
   * keys. What it has written and no other region has is lost to the cluster; when it is taken in
   * again, it finds that in {@link #conflicts} there. Never done but by this call.
   *
   * <p>Durable here on return; the other regions follow as it reaches them. Two regions that decide
   * differently while they do not reach each other refuse each other afterwards. Does nothing if
   * the region is evicted already.
   *
   * @throws io.metafabric.core.error.ConfigurationException if there is no such peer
   * @throws io.metafabric.core.error.EvictionException if it is this region, or the last one beside
   *     it, or this one is being filled anew or lacks writes of its own, and may need it for that
   * @throws io.metafabric.core.error.EvictedException if this region was evicted itself
   * @throws io.metafabric.core.error.StorageException if the disk refused
   */
  void evict(String region);

  /**
   * Takes an evicted region in again, with nothing of its state: when it hears of this, it writes
   * what the cluster lacks of its own writes to its conflict log, empties its directory, and is
   * filled by the others. Until it has all of theirs it answers only what it can be sure of. Does
   * nothing if the region is not evicted.
   *
   * @throws io.metafabric.core.error.ConfigurationException as {@link #evict}
   * @throws io.metafabric.core.error.EvictionException as {@link #evict}
   * @throws io.metafabric.core.error.EvictedException as {@link #evict}
   * @throws io.metafabric.core.error.StorageException as {@link #evict}
   */
  void readmit(String region);

  /**
   * The kill switch: turns prefetching off or on again, at once. What is under way by then is
   * called off, but for what a read waits for; what is on the wire may still come. Reads are
   * learned from all the same, and what was learned stays. Not journaled: the next opening begins
   * with {@link FabricBuilder#prediction}.
   */
  void setPrediction(boolean enabled);

  /**
   * Tells the predictors of accesses of another time, so that they begin with what is known
   * already: each is taken for a read that had to be fetched, in this region. Of one client they
   * are given in the order in which they were made; a client that was never seen is a new one. What
   * they teach stays and is kept over restarts, like what reads teach, within the same bound of
   * memory: of many clients those that were named least lately are forgotten, and of many keys
   * those that were seldom read. Nothing is fetched because of them, and no statistics of
   * predictions count them. Other regions are not told.
   *
   * <p>Runs on the caller's thread, about 20 us for each; while it runs, reads are learned from a
   * little later. The times say what is read regularly, where no later read was observed before.
   *
   * @return how many were learned from: all of them
   * @throws io.metafabric.core.error.ConfigurationException if one was before 1970 or is more than
   *     a minute ahead of this node's clock; those before it may have been learned from
   */
  long train(Iterable<PastAccess> accesses);

  /**
   * What a client is likely to read next, from what it has read last, in this region: what the
   * predictors believe, whether it is worth fetching or not, and whether the values are here or
   * not. Does not wait but for an observation in progress, and changes nothing.
   *
   * @param client as it is named in {@link #as} and {@link PastAccess}
   * @throws io.metafabric.core.error.ConfigurationException if that is no client's name
   */
  ClientForecast predict(String client);

  /**
   * Other prices, from the next decision on. Not journaled: the next opening begins with {@link
   * FabricBuilder#prices}.
   *
   * @throws io.metafabric.core.error.ConfigurationException if there is a price of a region that is
   *     neither this one nor a peer; nothing was changed
   */
  void setPrices(Prices prices);

  /**
   * Another budget, from the next decision on: what was spent before counts. Not journaled: the
   * next opening begins with {@link FabricBuilder#copyBudget}.
   */
  void setCopyBudget(CopyBudget budget);

  /**
   * Has {@code factor} regions hold the payload of a key, home and backup included: the home gives
   * a copy to as many others, those first from where it is read most and farthest away, and keeps
   * them up to date. Does not wait; nothing happens to the regions that hold it already, but that
   * their shadows live for as long as is said at least.
   *
   * <p>The returned stage completes on the thread of callbacks: with what was made where, and what
   * was not, and why, for example as the home's copy budget does not allow it, which is waited for
   * up to 5 s where it is a matter of bytes a second; exceptionally with a {@link
   * io.metafabric.core.error.RegionUnreachableException} if neither home nor backup answers.
   *
   * @param factor 1 to the number of members; with 1 or 2 no shadow is needed
   * @param timeToLive of a shadow that nobody reads, 1 s to 30 days; one that earns what it costs
   *     lives on
   * @throws io.metafabric.core.error.ConfigurationException if either is out of its bounds
   * @throws io.metafabric.core.error.OverloadedException if 1,024 such operations are under way
   */
  CompletionStage<ShadowOutcome> shadow(String key, int factor, Duration timeToLive);

  /**
   * The shadows of a key, as each member of the cluster says of its own. Does not wait; the stage
   * completes within about a second, on the thread of callbacks. Who does not answer is listed.
   */
  CompletionStage<ShadowReport> shadows(String key);

  /**
   * Drops the shadows of a key in all regions: each drops its own once home or backup has said that
   * the payload can be read there, and keeps it otherwise. Does not wait; the stage completes on
   * the thread of callbacks. A read may make a shadow again, where a rule says so.
   */
  CompletionStage<ShadowOutcome> dropShadows(String key);

  /**
   * Other rules for shadows of what is read here, from the next read on. Shadows that there are end
   * when the home does not renew them. Not journaled: the next opening begins with {@link
   * FabricBuilder#shadowRules}.
   *
   * @throws io.metafabric.core.error.ConfigurationException if a factor is above the number of
   *     members; nothing was changed
   */
  void setShadowRules(ShadowRules rules);

  /** Leaves no thread, socket, lock or file open. A second call does nothing. */
  @Override
  void close();
}
