package io.metafabric.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.codec.DecoderResult;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.netty.util.ReferenceCountUtil;
import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One client: one request at a time, its head and body read as they are asked for, each phase
 * within its time. Event loop only; the work of requests is done elsewhere.
 */
final class HttpConnection extends ChannelInboundHandlerAdapter {
  /** What is passed on to be learned from at once. */
  private static final int PIECE_BYTES = 32 << 10;

  private static final long MIN_BYTES_PER_SECOND = 1024;

  /** For operations that ask other regions, which have times of their own. */
  private static final Duration LONGEST_WORK = Duration.ofSeconds(30);

  /** So that a client that is still sending reads the answer before the end. */
  private static final Duration LINGER = Duration.ofSeconds(1);

  private enum Phase {
    HEAD,
    BODY,
    WORK,
    ANSWER,
    ENDING
  }

  private final Channel channel;
  private final HttpService service;
  private final ByteArrayOutputStream piece = new ByteArrayOutputStream();

  private Phase phase = Phase.HEAD;
  private boolean heard;

  /** Whether the next message is asked for and did not come yet. */
  private boolean wanting;

  /** At most what one read brings, of {@link HttpServer#MAX_PIPELINED} requests. */
  private final ArrayDeque<HttpObject> waiting = new ArrayDeque<>();

  private boolean handing;

  private @Nullable ScheduledFuture<?> timer;

  // Of the request under way.
  private @Nullable HttpRoute route;
  private @Nullable LineReader lines;
  private Query query = Query.of("");
  private boolean trusted;
  private boolean keepAlive;
  private boolean complete;
  private long received;
  private long bodySinceNanos;

  /** Counts requests, so that what comes late of one is told from the next. */
  private long turn;

  HttpConnection(Channel channel, HttpService service) {
    this.channel = channel;
    this.service = service;
  }

  /** Hears bytes before they are a head. */
  final class Ear extends ChannelInboundHandlerAdapter {
    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      heard = true;
      context.fireChannelRead(message);
    }

    /** Reads on where what came was only a part of what is asked for. */
    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
      context.fireChannelReadComplete();
      if (wanting) {
        context.read();
      }
    }
  }

  @Override
  public void channelActive(ChannelHandlerContext context) {
    in(service.config().patience(), this::headIsLate);
    ask();
  }

  /** For the next message: one that waits already, or one that is to be read. */
  private void ask() {
    wanting = true;
    handOn();
    if (wanting) {
      channel.read();
    }
  }

  /** Of what came at once, pipelined requests too, each waits until it is asked for. */
  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    if (phase == Phase.ENDING) {
      ReferenceCountUtil.release(message);
      return;
    }
    waiting.add((HttpObject) message);
    handOn();
  }

  private void handOn() {
    if (handing) {
      return;
    }
    handing = true;
    try {
      while (wanting && !waiting.isEmpty()) {
        wanting = false;
        HttpObject next = waiting.remove();
        try {
          take(next);
        } finally {
          ReferenceCountUtil.release(next);
        }
      }
    } finally {
      handing = false;
    }
  }

  private void in(Duration time, Runnable then) {
    stopTimer();
    timer = channel.eventLoop().schedule(then, time.toNanos(), TimeUnit.NANOSECONDS);
  }

  private void stopTimer() {
    if (timer != null) {
      timer.cancel(false);
      timer = null;
    }
  }

  private void headIsLate() {
    if (heard) {
      refuse(408, HttpRefusal.SLOW, "the request did not come in time");
    } else {
      end();
    }
  }

  private void take(HttpObject message) {
    DecoderResult decoded = message.decoderResult();
    if (decoded.isFailure()) {
      refuseUndecoded(decoded.cause());
      return;
    }
    if (phase == Phase.HEAD && message instanceof HttpRequest head) {
      begin(head);
    }
    if (phase == Phase.BODY && message instanceof HttpContent content) {
      body(content);
    } else if (phase == Phase.BODY) {
      ask();
    }
  }

  private void refuseUndecoded(Throwable cause) {
    if (phase == Phase.HEAD) {
      service.counters().requests.incrementAndGet();
    }
    if (cause instanceof TooLongHttpLineException) {
      refuse(414, HttpRefusal.MALFORMED, "the request's first line is too long");
    } else if (cause instanceof TooLongHttpHeaderException) {
      refuse(431, HttpRefusal.MALFORMED, "the request's headers are too long");
    } else {
      refuse(400, HttpRefusal.MALFORMED, "this is no HTTP/1.1");
    }
  }

  private void begin(HttpRequest head) {
    service.counters().requests.incrementAndGet();
    turn++;
    complete = false;
    received = 0;
    piece.reset();
    lines = null;
    keepAlive = HttpUtil.isKeepAlive(head);
    query = Query.of(head.uri());
    HttpService.Found found = service.find(head, query.path());
    route = found.route();
    trusted = found.trusted();
    if (route == null) {
      refuse(found.refusal());
      return;
    }
    long most = service.maxBodyBytes(route);
    long announced;
    try {
      announced = HttpUtil.getContentLength(head, 0L);
    } catch (NumberFormatException e) {
      refuse(400, HttpRefusal.MALFORMED, "the content length is no number");
      return;
    }
    if (announced > most) {
      refuseSize(most);
      return;
    }
    String expected = head.headers().get(HttpHeaderNames.EXPECT);
    if (expected != null && !HttpUtil.is100ContinueExpected(head)) {
      refuse(417, HttpRefusal.MALFORMED, "no such expectation can be met");
      return;
    }
    if (expected != null) {
      send(
          new DefaultFullHttpResponse(
              HttpVersion.HTTP_1_1, HttpResponseStatus.CONTINUE, Unpooled.EMPTY_BUFFER));
    }
    if (route.body() == HttpRoute.Body.LINES) {
      lines = new LineReader(route);
    }
    phase = Phase.BODY;
    bodySinceNanos = System.nanoTime();
    in(service.config().patience(), this::bodyIsLate);
  }

  private void bodyIsLate() {
    long allowedNanos =
        service.config().patience().toNanos()
            + TimeUnit.SECONDS.toNanos(received / MIN_BYTES_PER_SECOND);
    long leftNanos = allowedNanos - (System.nanoTime() - bodySinceNanos);
    if (leftNanos > 0) {
      in(Duration.ofNanos(leftNanos), this::bodyIsLate);
    } else {
      refuse(408, HttpRefusal.SLOW, "the body did not come in time");
    }
  }

  private void body(HttpContent content) {
    ByteBuf bytes = content.content();
    received += bytes.readableBytes();
    HttpRoute here = Objects.requireNonNull(route);
    long most = service.maxBodyBytes(here);
    if (received > most) {
      refuseSize(most);
      return;
    }
    byte[] copy = new byte[bytes.readableBytes()];
    bytes.readBytes(copy);
    piece.writeBytes(copy);
    complete = content instanceof LastHttpContent;
    if (complete) {
      work(here);
    } else if (lines != null && piece.size() >= PIECE_BYTES) {
      takeIn(lines);
    } else {
      ask();
    }
  }

  /** Nothing more is read until the lines are taken in: who sends faster than that waits. */
  private void takeIn(LineReader reader) {
    byte[] taken = piece.toByteArray();
    piece.reset();
    phase = Phase.WORK;
    stopTimer();
    long of = turn;
    long beganNanos = System.nanoTime();
    service.work(
        () -> {
          reader.take(taken);
          later(
              () -> {
                if (of == turn && phase == Phase.WORK) {
                  phase = Phase.BODY;
                  // The time was this side's.
                  bodySinceNanos += System.nanoTime() - beganNanos;
                  bodyIsLate();
                  ask();
                }
              });
        },
        answer -> later(() -> answer(of, answer)));
  }

  private void work(HttpRoute here) {
    byte[] rest = piece.toByteArray();
    piece.reset();
    phase = Phase.WORK;
    long of = turn;
    boolean isTrusted = trusted;
    Query asked = query;
    LineReader reader = lines;
    in(LONGEST_WORK, () -> answer(of, Answer.failure(504, "it took too long")));
    service.work(
        () -> {
          if (reader != null) {
            reader.take(rest);
            Answer end = reader.end();
            later(() -> answer(of, end));
            return;
          }
          Map<String, Object> values =
              here.body() == HttpRoute.Body.NONE
                  ? asked.fields()
                  : Json.fields(rest, 0, rest.length);
          var request = new Request(Fields.checked(here.fields(), values), isTrusted);
          service.handle(here, request, answer -> later(() -> answer(of, answer)));
        },
        answer -> later(() -> answer(of, answer)));
  }

  private void later(Runnable run) {
    try {
      channel.eventLoop().execute(run);
    } catch (RejectedExecutionException e) {
      // The server is closed, and the client with it.
    }
  }

  private void refuseSize(long most) {
    refuse(
        413,
        HttpRefusal.SIZE,
        most == 0 ? "no body is taken here" : "a body may have " + most + " bytes at most");
  }

  private void refuse(int status, HttpRefusal reason, String error) {
    LineReader begun = phase == Phase.BODY ? lines : null;
    Map<String, Long> facts = begun == null ? Map.of() : Map.of("taken", begun.taken());
    refuse(Answer.refusal(status, reason, error, facts));
  }

  /** The rest of what the client sends is not looked at, so this is the last answer. */
  private void refuse(@Nullable Answer answer) {
    keepAlive = false;
    phase = Phase.WORK;
    answer(turn, Objects.requireNonNull(answer));
  }

  private void answer(long of, Answer answer) {
    if (of != turn || phase != Phase.WORK || !channel.isActive()) {
      return;
    }
    phase = Phase.ANSWER;
    service.counters().count(answer);
    keepAlive &= complete && answer.status() != 504;
    FullHttpResponse response =
        new DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1,
            HttpResponseStatus.valueOf(answer.status()),
            Unpooled.wrappedBuffer(answer.json()));
    response
        .headers()
        .set(HttpHeaderNames.CONTENT_TYPE, HttpHeaderValues.APPLICATION_JSON)
        .set(HttpHeaderNames.CONTENT_LENGTH, answer.json().length)
        .set(HttpHeaderNames.CACHE_CONTROL, HttpHeaderValues.NO_STORE)
        .set("x-content-type-options", "nosniff");
    answer.headers().forEach(response.headers()::set);
    if (!keepAlive) {
      response.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
    }
    in(
        service.config().patience(),
        () -> {
          service.counters().refused(HttpRefusal.SLOW);
          end();
        });
    channel.writeAndFlush(response).addListener(done -> answered(done.isSuccess()));
  }

  private void answered(boolean sent) {
    stopTimer();
    if (!sent) {
      end();
    } else if (keepAlive) {
      phase = Phase.HEAD;
      heard = false;
      in(service.config().patience().multipliedBy(3), this::headIsLate);
      ask();
    } else {
      phase = Phase.ENDING;
      drop();
      channel.config().setAutoRead(true);
      in(LINGER, this::end);
    }
  }

  @SuppressWarnings("FutureReturnValueIgnored") // if it cannot be sent, the answer cannot either
  private void send(FullHttpResponse response) {
    channel.writeAndFlush(response);
  }

  private void end() {
    stopTimer();
    close(channel);
  }

  @SuppressWarnings("FutureReturnValueIgnored") // closing does not fail in a way that matters
  static void close(Channel channel) {
    channel.close();
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    stopTimer();
    phase = Phase.ENDING;
    turn++;
    drop();
  }

  private void drop() {
    wanting = false;
    waiting.forEach(ReferenceCountUtil::release);
    waiting.clear();
  }

  /** A client that went away, no TLS, or more requests at once than may wait. */
  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    if ((phase == Phase.HEAD && turn == 0) || cause instanceof DecoderException) {
      service.counters().refused(HttpRefusal.MALFORMED);
    }
    end();
  }
}
