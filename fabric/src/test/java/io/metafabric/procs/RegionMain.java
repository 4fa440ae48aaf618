package io.metafabric.procs;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.metafabric.FabricBuilder;
import io.metafabric.MetadataFabric;
import io.metafabric.core.journal.Durability;
import io.metafabric.replicate.PeerState;
import io.metafabric.replicate.tls.PeerTls;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One region in a process of its own. Obeys numbered lines on its standard input ({@code 1 go},
 * {@code 2 rest}, {@code 3 dump}, {@code 4 usage}, {@code 5 shut}), says on its standard output
 * what it does, and ends with its parent. Lines with number 0, {@code 0 visit 7 TOKEN} and {@code 0
 * known 9 KEY}, have answers of their own, or none.
 *
 * <p>Arguments: region, directory, number of this life, seed, durability, names of records that
 * come and go, the directory of the certificates or nothing, then region=port of all regions: its
 * own to listen on, the others' to dial.
 */
final class RegionMain {
  private static final FileOutputStream OUT = new FileOutputStream(FileDescriptor.out);

  private final MetadataFabric fabric;
  private final Path directory;
  private final Workload workload;
  private final Visits visits;
  private final List<String> keys;
  private volatile boolean going;
  private @Nullable Thread writer;

  private RegionMain(
      MetadataFabric fabric, Path directory, Workload workload, Visits visits, List<String> keys) {
    this.fabric = fabric;
    this.directory = directory;
    this.workload = workload;
    this.visits = visits;
    this.keys = keys;
  }

  public static void main(String[] args) throws Exception {
    String region = args[0];
    Path directory = Path.of(args[1]);
    int life = Integer.parseInt(args[2]);
    long seed = Long.parseLong(args[3]);
    int turnover = Integer.parseInt(args[5]);
    FabricBuilder builder =
        MetadataFabric.builder()
            .region(region)
            .directory(directory)
            .durability(durability(args[4]))
            .segmentBytes(256 << 10)
            .retainedBytes(1 << 20)
            .hotTierBytes(256 << 10)
            // All bounded memory is soon full: what grows then is a leak.
            .readCacheBytes(1 << 20);
    if (!args[6].isEmpty()) {
      Path tls = Path.of(args[6]);
      builder.tls(
          PeerTls.fromPem(
              tls.resolve(region + ".pem"), tls.resolve(region + ".key"), tls.resolve("ca.pem")));
    }
    var regions = new ArrayList<String>();
    for (int i = 7; i < args.length; i++) {
      String[] regionAndPort = args[i].split("=", 2);
      regions.add(regionAndPort[0]);
      if (regionAndPort[0].equals(region)) {
        builder.listen("127.0.0.1:" + regionAndPort[1]);
      } else {
        builder.peer(regionAndPort[0], "127.0.0.1:" + regionAndPort[1]);
      }
    }
    MetadataFabric fabric = builder.open();
    var workload = new Workload(fabric, region, life, regions, turnover, seed, RegionMain::say);
    var visits = new Visits(fabric, regions, life, seed, RegionMain::say);
    var keys = new ArrayList<>(Workload.keys(regions, turnover));
    keys.addAll(Visits.keys());
    new RegionMain(fabric, directory, workload, visits, keys).obey();
    Runtime.getRuntime().halt(0);
  }

  private static Durability durability(String name) {
    return switch (name) {
      case "SYNC" -> Durability.SYNC;
      case "OS" -> Durability.OS;
      default -> Durability.interval(Duration.ofMillis(20));
    };
  }

  /** A whole line at once, so that a process that is killed leaves no half of one. */
  private static void say(String line) {
    try {
      OUT.write((line + "\n").getBytes(UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void obey() throws Exception {
    var in = new BufferedReader(new InputStreamReader(System.in, UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] part = line.split(" ", -1);
      switch (part[1]) {
        case "go" -> go();
        case "rest" -> rest();
        case "dump" -> dump();
        case "usage" -> say("STATE " + Usage.now(directory));
        case "visit" -> visits.begin(Integer.parseInt(part[2]), part[3]);
        case "known" -> say("KNOWS " + part[2] + " " + known(part[3]));
        case "shut" -> {
          rest();
          fabric.close();
          return;
        }
        default -> throw new IllegalArgumentException("no such command: " + line);
      }
      if (!part[0].equals("0")) {
        say("END " + part[0]);
      }
    }
  }

  private void go() {
    going = true;
    var thread = new Thread(this::work, "workload");
    thread.setDaemon(true);
    thread.start();
    writer = thread;
  }

  private void work() {
    try {
      while (going) {
        workload.step();
      }
    } catch (Throwable e) {
      e.printStackTrace();
      say("BAD " + e);
    }
  }

  private void rest() throws InterruptedException {
    going = false;
    if (writer != null) {
      writer.join();
    }
    visits.rest();
  }

  private String known(String key) {
    return fabric.explain(key).version().map(KeyState::text).orElse(Visits.NOTHING);
  }

  private void dump() {
    fabric.stats().replication().peers().stream()
        .filter(peer -> peer.state() != PeerState.IN_SYNC || peer.pendingChanges() > 0)
        .forEach(peer -> say("STATE behind: " + peer));
    for (String key : keys) {
      say("STATE " + KeyState.of(fabric, key));
    }
  }
}
