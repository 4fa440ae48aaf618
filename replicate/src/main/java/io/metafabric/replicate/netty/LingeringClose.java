package io.metafabric.replicate.netty;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.channel.socket.DuplexChannel;
import io.netty.util.ReferenceCountUtil;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * Lets the last word arrive: a socket that is closed while there is something to be read resets the
 * connection, and the other side then never reads why. So it is closed in one direction, and in the
 * other once the other side has, or after a while. Belongs to the event loop.
 */
final class LingeringClose extends ChannelDuplexHandler {
  /** Whoever sends more than this after the end does not want to hear it. */
  private static final int MAX_READ_BYTES = 256 * 1024;

  private final Duration longest;
  private boolean closing;
  private int readBytes;

  LingeringClose(Duration longest) {
    this.longest = longest;
  }

  @Override
  @SuppressWarnings("FutureReturnValueIgnored") // the end of the channel cancels both
  public void close(ChannelHandlerContext context, ChannelPromise promise) {
    boolean lingers = context.channel() instanceof DuplexChannel && context.channel().isActive();
    if (!lingers || closing) {
      context.close(promise);
      return;
    }
    closing = true;
    context.channel().config().setAutoRead(true);
    ((DuplexChannel) context.channel()).shutdownOutput();
    context.executor().schedule(() -> context.close(), longest.toMillis(), TimeUnit.MILLISECONDS);
    context.channel().closeFuture().addListener(done -> promise.trySuccess());
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    if (!closing) {
      context.fireChannelRead(message);
      return;
    }
    readBytes += message instanceof ByteBuf bytes ? bytes.readableBytes() : 0;
    ReferenceCountUtil.release(message);
    if (readBytes > MAX_READ_BYTES) {
      close(context, context.newPromise());
    }
  }
}
