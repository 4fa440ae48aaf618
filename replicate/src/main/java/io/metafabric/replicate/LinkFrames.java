package io.metafabric.replicate;

import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.transport.PeerConnection;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.Frame;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Takes what a dialled peer says on one connection: looks whether it may say that, and hands it to
 * whom it concerns. Keeps nothing itself. Belongs to the loop.
 */
abstract class LinkFrames extends UnexpectedFrames {
  private final RegionName peer;
  private final ReplicationConfig config;
  private final OutgoingChanges changes;
  private final Heartbeats heartbeats;
  private final PeerStanding standing;
  private final LinkEvents events;

  LinkFrames(
      PeerConnection from,
      RegionName peer,
      ReplicationConfig config,
      OutgoingChanges changes,
      Heartbeats heartbeats,
      PeerStanding standing,
      LinkEvents events) {
    super(from);
    this.peer = peer;
    this.config = config;
    this.changes = changes;
    this.heartbeats = heartbeats;
    this.standing = standing;
    this.events = events;
  }

  private boolean canBe(List<MetadataRecord> records) {
    String wrong = events.provenance().problemOf(peer, records);
    if (wrong == null && !records.stream().allMatch(config::allows)) {
      wrong = peer + " sent more than maxValueBytes";
    }
    return isRight(wrong);
  }

  private boolean canHave(VersionVector applied) {
    return isRight(events.provenance().problemOf(peer, applied));
  }

  private boolean isRight(@Nullable String wrong) {
    if (wrong != null) {
      violation(wrong);
    }
    return wrong == null;
  }

  @Override
  public void onConfigured(Frame.Configured configured) {
    if (isRight(events.provenance().problemOf(peer, configured))) {
      events.onConfigured(peer, configured);
    }
  }

  @Override
  public void onHeartbeatReply(Frame.HeartbeatReply reply) {
    heartbeats.answered(reply);
  }

  @Override
  public void onAck(Frame.Ack ack) {
    if (isRight(events.provenance().problemOf(peer, ack))) {
      changes.onAck(ack);
    }
  }

  @Override
  public void onStanding(Frame.Standing said) {
    for (RegionName region : said.othersMs().keySet()) {
      if (!region.equals(config.region()) && !config.peers().containsKey(region)) {
        violation(peer + " speaks of region " + region + ", which there is not");
        return;
      }
    }
    if (!canHave(said.applied())) {
      return;
    }
    if (standing.heard(said)) {
      events.onAdvance();
    } else {
      violation(Provenance.tooManyTold(peer));
    }
  }

  @Override
  public void onCredit(Frame.Credit granted) {
    from().otherSideTakesCompressed(granted.takesCompressed());
    changes.onCredit(granted);
  }

  @Override
  public void onNotHolding(Frame.NotHolding notHolding) {
    changes.areNotHeld(notHolding.keys());
    notHolding.keys().forEach(key -> events.onDropped(peer, key));
  }

  @Override
  public void onReads(Frame.Reads reads) {
    events.onReads(peer, reads);
  }

  @Override
  public void onCopies(Frame.Copies copies) {
    events.onCopies(peer, copies);
  }

  @Override
  public void onNoBase(Frame.NoBase noBase) {
    changes.areNotHeld(noBase.keys());
  }

  @Override
  public void onNoDictionary(Frame.NoDictionary noDictionary) {
    changes.haveNoDictionary(noDictionary.numbers());
  }

  @Override
  public void onWhole(Frame.Whole whole) {
    if (canHave(whole.upTo())) {
      changes.onWhole(whole);
    }
  }

  @Override
  public void onDone(Frame.Done done) {
    events.onDone(peer, done);
  }

  @Override
  public void onShadowReply(Frame.ShadowReply reply) {
    events.onShadowReply(peer, reply);
  }

  @Override
  public void onFetchReply(Frame.FetchReply reply) {
    if (canBe(foundIn(reply))) {
      events.onReply(peer, reply);
    }
  }

  private static List<MetadataRecord> foundIn(Frame.FetchReply reply) {
    var found = new ArrayList<MetadataRecord>();
    for (Frame.Answer answer : reply.answers()) {
      if (answer instanceof Frame.Answer.Found current) {
        found.add(current.record());
      } else if (answer instanceof Frame.Answer.Superseded older) {
        found.add(older.record());
      }
    }
    return found;
  }

  @Override
  public void onCompared(Frame.Compared compared) {
    events.onCompared(peer, compared);
  }

  @Override
  public void onRepair(Frame.Repair repair) {
    if (canBe(repair.records())) {
      events.onRepair(peer, repair);
    }
  }
}
