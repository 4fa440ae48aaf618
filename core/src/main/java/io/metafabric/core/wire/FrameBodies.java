package io.metafabric.core.wire;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.error.WireFormatException;

/** The types of frames, and by whom the body of each is read and written. Stateless. */
final class FrameBodies {
  private static final int HELLO = 1;
  private static final int WELCOME = 2;
  private static final int REFUSE = 3;
  private static final int HEARTBEAT = 4;
  private static final int HEARTBEAT_REPLY = 5;
  private static final int CHANGES = 6;
  private static final int ACK = 7;
  private static final int FETCH = 8;
  private static final int FETCH_REPLY = 9;
  private static final int PUSH = 10;
  private static final int NOT_HOLDING = 11;
  private static final int CREDIT = 12;
  private static final int COMPARE = 14;
  private static final int COMPARED = 15;
  private static final int DOTS = 16;
  private static final int REPAIR = 17;
  private static final int PROGRESS = 18;
  private static final int MOVE_HOME = 19;
  private static final int HOLD = 20;
  private static final int DONE = 21;
  private static final int CONFIGURED = 22;
  private static final int HURRY = 23;
  private static final int FORGET = 24;
  private static final int CUT_OFF = 25;
  private static final int STANDING = 26;
  private static final int DELTAS = 27;
  private static final int NO_BASE = 28;
  private static final int READS = 29;
  private static final int SHADOW_REQUEST = 32;
  private static final int HOLD_SHADOW = 33;
  private static final int SHADOW_REPLY = 34;
  private static final int PART = 35;
  private static final int WHOLE = 36;
  private static final int SUMMARY = 37;
  private static final int DICTIONARY = 38;
  private static final int TOLD = 39;
  private static final int NO_DICTIONARY = 40;
  private static final int COPIES = 41;

  private FrameBodies() {}

  /** Whether a version here has this type of frame. */
  static boolean isKnown(int type) {
    return type <= CREDIT
        || (type >= COMPARE && type <= READS)
        || (type >= SHADOW_REQUEST && type <= COPIES);
  }

  /** The body of a frame of a known type. */
  static Frame read(int type, ByteReader in) {
    return switch (type) {
      case HELLO -> HandshakeCodec.readHello(in);
      case WELCOME -> HandshakeCodec.readWelcome(in);
      case REFUSE -> HandshakeCodec.readRefuse(in);
      case HEARTBEAT -> StandingCodec.readHeartbeat(in);
      case HEARTBEAT_REPLY -> StandingCodec.readHeartbeatReply(in);
      case CHANGES -> StreamCodec.readChanges(in);
      case ACK -> StreamCodec.readAck(in);
      case FETCH -> PayloadsCodec.readFetch(in);
      case FETCH_REPLY -> PayloadsCodec.readFetchReply(in);
      case PUSH -> PayloadsCodec.readPush(in);
      case NOT_HOLDING -> PayloadsCodec.readNotHolding(in);
      case CREDIT -> StandingCodec.readCredit(in);
      case COMPARE -> RepairCodec.readCompare(in);
      case COMPARED -> RepairCodec.readCompared(in);
      case DOTS -> RepairCodec.readDots(in);
      case REPAIR -> RepairCodec.readRepair(in);
      case PROGRESS -> StandingCodec.readProgress(in);
      case MOVE_HOME -> RequestsCodec.readMoveHome(in);
      case HOLD -> RequestsCodec.readHold(in);
      case DONE -> RequestsCodec.readDone(in);
      case CONFIGURED -> HandshakeCodec.readConfigured(in);
      case HURRY -> PayloadsCodec.readHurry(in);
      case FORGET -> PayloadsCodec.readForget(in);
      case CUT_OFF -> HandshakeCodec.readCutOff(in);
      case STANDING -> StandingCodec.readStanding(in);
      case DELTAS -> StreamCodec.readDeltas(in);
      case NO_BASE -> StreamCodec.readNoBase(in);
      case READS -> PayloadsCodec.readReads(in);
      case SHADOW_REQUEST -> RequestsCodec.readShadowRequest(in);
      case HOLD_SHADOW -> RequestsCodec.readHoldShadow(in);
      case SHADOW_REPLY -> RequestsCodec.readShadowReply(in);
      case PART -> StreamCodec.readPart(in);
      case WHOLE -> StreamCodec.readWhole(in);
      case SUMMARY -> PayloadsCodec.readSummary(in);
      case DICTIONARY -> DeltasCodec.readDictionary(in);
      case TOLD -> StreamCodec.readTold(in);
      case NO_DICTIONARY -> DeltasCodec.readNoDictionary(in);
      case COPIES -> PayloadsCodec.readCopies(in);
      default -> throw new WireFormatException("there is no frame type " + type);
    };
  }

  /** Writes type, flags and body of the frame that it is handed. */
  record Writer(ByteWriter out) implements Frame.Handler {
    private ByteWriter begin(int type) {
      return out.u8(type).u8(0);
    }

    @Override
    public void onHello(Frame.Hello hello) {
      HandshakeCodec.write(begin(HELLO), hello);
    }

    @Override
    public void onWelcome(Frame.Welcome welcome) {
      HandshakeCodec.write(begin(WELCOME), welcome);
    }

    @Override
    public void onRefuse(Frame.Refuse refuse) {
      HandshakeCodec.write(begin(REFUSE), refuse);
    }

    @Override
    public void onHeartbeat(Frame.Heartbeat heartbeat) {
      StandingCodec.write(begin(HEARTBEAT), heartbeat);
    }

    @Override
    public void onHeartbeatReply(Frame.HeartbeatReply heartbeatReply) {
      StandingCodec.write(begin(HEARTBEAT_REPLY), heartbeatReply);
    }

    @Override
    public void onChanges(Frame.Changes changes) {
      StreamCodec.write(begin(CHANGES), changes);
    }

    @Override
    public void onAck(Frame.Ack ack) {
      StreamCodec.write(begin(ACK), ack);
    }

    @Override
    public void onFetch(Frame.Fetch fetch) {
      PayloadsCodec.write(begin(FETCH), fetch);
    }

    @Override
    public void onFetchReply(Frame.FetchReply fetchReply) {
      PayloadsCodec.write(begin(FETCH_REPLY), fetchReply);
    }

    @Override
    public void onPush(Frame.Push push) {
      PayloadsCodec.write(begin(PUSH), push);
    }

    @Override
    public void onNotHolding(Frame.NotHolding notHolding) {
      PayloadsCodec.write(begin(NOT_HOLDING), notHolding);
    }

    @Override
    public void onCredit(Frame.Credit credit) {
      StandingCodec.write(begin(CREDIT), credit);
    }

    @Override
    public void onCompare(Frame.Compare compare) {
      RepairCodec.write(begin(COMPARE), compare);
    }

    @Override
    public void onCompared(Frame.Compared compared) {
      RepairCodec.write(begin(COMPARED), compared);
    }

    @Override
    public void onDots(Frame.Dots dots) {
      RepairCodec.write(begin(DOTS), dots);
    }

    @Override
    public void onRepair(Frame.Repair repair) {
      RepairCodec.write(begin(REPAIR), repair);
    }

    @Override
    public void onProgress(Frame.Progress progress) {
      StandingCodec.write(begin(PROGRESS), progress);
    }

    @Override
    public void onMoveHome(Frame.MoveHome moveHome) {
      RequestsCodec.write(begin(MOVE_HOME), moveHome);
    }

    @Override
    public void onHold(Frame.Hold hold) {
      RequestsCodec.write(begin(HOLD), hold);
    }

    @Override
    public void onDone(Frame.Done done) {
      RequestsCodec.write(begin(DONE), done);
    }

    @Override
    public void onConfigured(Frame.Configured configured) {
      HandshakeCodec.write(begin(CONFIGURED), configured);
    }

    @Override
    public void onHurry(Frame.Hurry hurry) {
      PayloadsCodec.write(begin(HURRY), hurry);
    }

    @Override
    public void onForget(Frame.Forget forget) {
      PayloadsCodec.write(begin(FORGET), forget);
    }

    @Override
    public void onCutOff(Frame.CutOff cutOff) {
      HandshakeCodec.write(begin(CUT_OFF), cutOff);
    }

    @Override
    public void onStanding(Frame.Standing standing) {
      StandingCodec.write(begin(STANDING), standing);
    }

    @Override
    public void onDeltas(Frame.Deltas deltas) {
      StreamCodec.write(begin(deltas.told().isEmpty() ? DELTAS : TOLD), deltas);
    }

    @Override
    public void onDictionary(Frame.Dictionary dictionary) {
      DeltasCodec.write(begin(DICTIONARY), dictionary);
    }

    @Override
    public void onNoDictionary(Frame.NoDictionary noDictionary) {
      DeltasCodec.write(begin(NO_DICTIONARY), noDictionary);
    }

    @Override
    public void onNoBase(Frame.NoBase noBase) {
      StreamCodec.write(begin(NO_BASE), noBase);
    }

    @Override
    public void onReads(Frame.Reads reads) {
      PayloadsCodec.write(begin(READS), reads);
    }

    @Override
    public void onCopies(Frame.Copies copies) {
      PayloadsCodec.write(begin(COPIES), copies);
    }

    @Override
    public void onShadowRequest(Frame.ShadowRequest shadowRequest) {
      RequestsCodec.write(begin(SHADOW_REQUEST), shadowRequest);
    }

    @Override
    public void onHoldShadow(Frame.HoldShadow holdShadow) {
      RequestsCodec.write(begin(HOLD_SHADOW), holdShadow);
    }

    @Override
    public void onShadowReply(Frame.ShadowReply shadowReply) {
      RequestsCodec.write(begin(SHADOW_REPLY), shadowReply);
    }

    @Override
    public void onPart(Frame.Part part) {
      StreamCodec.write(begin(PART), part);
    }

    @Override
    public void onWhole(Frame.Whole whole) {
      StreamCodec.write(begin(WHOLE), whole);
    }

    @Override
    public void onSummary(Frame.Summary summary) {
      PayloadsCodec.write(begin(SUMMARY), summary);
    }
  }
}
