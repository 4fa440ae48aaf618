package io.metafabric;

import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.transport.PeerAddress;
import io.metafabric.host.ListenerFailures;
import io.metafabric.node.FabricNode;
import io.metafabric.replicate.arm.CopyBudget;
import io.metafabric.replicate.arm.Prices;
import io.metafabric.replicate.shadow.ShadowRules;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The node behind an open fabric: another one after its region was evicted and taken in again, when
 * the directory begins anew. Thread-safe.
 */
final class RunningNode implements AutoCloseable {
  /** Opens a node. */
  @FunctionalInterface
  interface Opener {
    /**
     * @param boundBefore where the node before listened; null for the first
     * @param onMustReopen must not wait
     */
    FabricNode<Versioned> open(@Nullable PeerAddress boundBefore, Runnable onMustReopen);
  }

  private final Opener opener;
  private final Supplier<SerialExecutor> threads;
  private volatile FabricNode<Versioned> node;

  // Guarded by the threads.
  private @Nullable SerialExecutor reopening;

  // Guarded by this.
  private boolean closed;
  private @Nullable Boolean prediction;
  private @Nullable Prices prices;
  private @Nullable CopyBudget copyBudget;
  private @Nullable ShadowRules shadowRules;

  /**
   * @param threads makes one that the fabric is opened on again; closed with this
   */
  RunningNode(Opener opener, Supplier<SerialExecutor> threads) {
    this.opener = opener;
    this.threads = threads;
    synchronized (this) {
      this.node = opener.open(null, this::mustReopen);
    }
  }

  FabricNode<Versioned> get() {
    return node;
  }

  /** Of this node, and of those that are opened in its place. */
  synchronized void setPrediction(boolean enabled) {
    prediction = enabled;
    node.setPrediction(enabled);
  }

  /** So too. */
  synchronized void setShadowRules(ShadowRules next) {
    shadowRules = next;
    node.setShadowRules(next);
  }

  /** So too. */
  synchronized void setPrices(Prices next) {
    prices = next;
    node.setPrices(next);
  }

  /** So too; the one that is opened in its place begins with all of it. */
  synchronized void setCopyBudget(CopyBudget next) {
    copyBudget = next;
    node.setCopyBudget(next);
  }

  /** On the node's own thread: it cannot wait for a fabric that is being closed, nor be closed. */
  private void mustReopen() {
    threadToReopenOn().execute(this::reopen);
  }

  private SerialExecutor threadToReopenOn() {
    synchronized (threads) {
      SerialExecutor known = reopening;
      if (known == null) {
        known = threads.get();
        reopening = known;
      }
      return known;
    }
  }

  private synchronized void reopen() {
    if (closed) {
      return;
    }
    PeerAddress bound = node.listening();
    try {
      node.close();
      node = opener.open(bound, this::mustReopen);
      if (prediction != null) {
        node.setPrediction(prediction);
      }
      if (prices != null) {
        node.setPrices(prices);
      }
      if (copyBudget != null) {
        node.setCopyBudget(copyBudget);
      }
      if (shadowRules != null) {
        node.setShadowRules(shadowRules);
      }
    } catch (RuntimeException e) {
      // Until the host opens another one, the fabric says that it is closed.
      ListenerFailures.log("a region that is filled anew", e);
    }
  }

  @Override
  public void close() {
    synchronized (this) {
      closed = true;
      node.close();
    }
    SerialExecutor thread;
    synchronized (threads) {
      thread = reopening;
    }
    if (thread != null) {
      thread.close();
    }
  }
}
