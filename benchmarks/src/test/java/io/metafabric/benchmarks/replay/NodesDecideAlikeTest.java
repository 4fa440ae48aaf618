package io.metafabric.benchmarks.replay;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.place.Homes;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.store.Precondition;
import io.metafabric.node.FabricNode;
import io.metafabric.node.SimCluster;
import io.metafabric.replicate.arm.UpdateTotals;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The priced row of the fabric is what nodes do: both send the same of the same stream. */
class NodesDecideAlikeTest {
  private static final RegionName HOME = new RegionName("ap");
  private static final RegionName BACKUP = new RegionName("eu");
  private static final RegionName READER = new RegionName("us");
  private static final int KEYS = 120;
  private static final int EVENTS = 3_000;

  /**
   * No sum of some of these is near an end of a span, so that what a link takes does not matter.
   */
  private static final int STEP_MS = 3_000;

  private record Event(int key, boolean write) {}

  private final SimCluster cluster = new SimCluster(7, 8 << 20, "ap", "eu", "us");
  private final List<Key> keys = new ArrayList<>();
  private final int[] sizes = new int[KEYS];
  private final List<Event> events = new ArrayList<>();

  /** Half of the keys are read again and again, some of the others now and then. */
  private void draw() {
    var random = new Random(11);
    for (int i = 0; keys.size() < KEYS; i++) {
      Key key = Key.of("trace/k" + i);
      Homes at = cluster.node(HOME).homesOf(key);
      if (at.home().equals(HOME) && BACKUP.equals(at.backup())) {
        sizes[keys.size()] = 100 << random.nextInt(9);
        keys.add(key);
      }
    }
    var made = new boolean[KEYS];
    while (events.size() < EVENTS) {
      int key = random.nextInt(KEYS);
      boolean write = !made[key] || random.nextInt(key < KEYS / 2 ? 2 : 20) > 0;
      made[key] = true;
      events.add(new Event(key, write));
    }
  }

  private long pushed() {
    return cluster
        .node(HOME)
        .stats()
        .prefetch()
        .arm()
        .updates()
        .getOrDefault(READER, UpdateTotals.NONE)
        .pushed();
  }

  private List<Boolean> sentByNodes() {
    var sent = new ArrayList<Boolean>();
    FabricNode<?> reader = cluster.node(READER);
    for (Event event : events) {
      Key key = keys.get(event.key());
      long before = pushed();
      if (event.write()) {
        byte[] value = new byte[sizes[event.key()]];
        cluster.node(HOME).write(key, Bytes.copyOf(value), Header.NEVER, Precondition.NONE);
      } else if (reader.hit("c" + event.key(), key.path()) == null
          && reader.readHere("c" + event.key(), key) == null) {
        reader.read("c" + event.key(), key);
      }
      cluster.world.runFor(Duration.ofMillis(STEP_MS));
      if (event.write()) {
        sent.add(pushed() > before);
      }
    }
    return sent;
  }

  private List<Boolean> sentInTheReplay() {
    var sheet =
        new PriceSheet(
            "default",
            List.of(HOME, BACKUP, READER),
            new double[][] {{0, 40, 40}, {40, 0, 40}, {40, 40, 0}},
            new double[][] {{0, 0.02, 0.02}, {0.02, 0, 0.02}, {0.02, 0.02, 0}},
            new double[] {0.1, 0.1, 0.1},
            0,
            0.01);
    var world = new CostWorld(trace(), sheet, PutMode.WRITE);
    assertThat(world.reader).containsOnly(2);
    var fabric = new FabricCosts(world, KEYS, sheet.savedMs(), 1);
    var sent = new ArrayList<Boolean>();
    var watched =
        (CostPolicy)
            Proxy.newProxyInstance(
                CostPolicy.class.getClassLoader(),
                new Class<?>[] {CostPolicy.class},
                (proxy, method, arguments) -> {
                  Object result = invoke(fabric, method, arguments);
                  if (method.getName().equals("changed")) {
                    sent.add((Boolean) result);
                  }
                  return result;
                });
    new CostReplay(world, watched).run(Progress.none());
    return sent;
  }

  private static Object invoke(
      FabricCosts fabric, java.lang.reflect.Method method, Object[] arguments) throws Throwable {
    try {
      return method.invoke(fabric, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  private Trace trace() {
    var timeMs = new long[EVENTS];
    var client = new int[EVENTS];
    var key = new int[EVENTS];
    var put = new boolean[EVENTS];
    var size = new int[EVENTS];
    var region = new int[EVENTS];
    for (int i = 0; i < EVENTS; i++) {
      Event event = events.get(i);
      timeMs[i] = (long) i * STEP_MS;
      client[i] = event.key();
      key[i] = event.key();
      put[i] = event.write();
      size[i] = sizes[event.key()];
      region[i] = event.write() ? 0 : 2;
    }
    List<String> clients = keys.stream().map(each -> "c" + keys.indexOf(each)).toList();
    return new Trace(
        "stream",
        timeMs,
        client,
        key,
        put,
        size,
        region,
        clients,
        keys.stream().map(Key::id).toList(),
        Arrays.asList("ap", "eu", "us"),
        List.of(),
        0);
  }

  @Test
  void ofTheSameWritesAndReads_bothSendTheSame() {
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(20)));
    cluster.hotTierBytes = 64 << 20;
    cluster.keptBytes = 256 << 20;
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(5));
    draw();
    List<Boolean> nodes = sentByNodes();
    List<Boolean> replay = sentInTheReplay();
    assertThat(nodes).hasSameSizeAs(replay);
    assertThat(nodes.stream().filter(each -> each).count())
        .as("sent, of " + nodes.size())
        .isBetween(nodes.size() / 5L, nodes.size() * 4L / 5);
    int differ = 0;
    for (int i = 0; i < nodes.size(); i++) {
      differ += nodes.get(i).equals(replay.get(i)) ? 0 : 1;
    }
    assertThat(differ).as("of " + nodes.size() + " writes").isZero();
  }
}
