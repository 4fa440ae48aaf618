package io.metafabric;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.metafabric.core.error.RegionUnreachableException;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Version;
import io.metafabric.replicate.PeerState;
import io.metafabric.replicate.PeerStats;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * One region in a process of its own, for tests that kill it. Obeys lines on its standard input
 * ({@code stop}, {@code dump}, {@code check file}, {@code state region}, {@code read}), reports
 * every acknowledged write on its standard output, and ends with its parent.
 *
 * <p>Arguments: region, directory, seed, then region=port of all regions.
 */
final class RegionProcess {
  static final int KEYS = 40;

  private static volatile boolean writing = true;

  private RegionProcess() {}

  public static void main(String[] args) throws Exception {
    FabricBuilder builder = MetadataFabric.builder().region(args[0]).directory(Path.of(args[1]));
    for (int i = 3; i < args.length; i++) {
      String[] regionAndPort = args[i].split("=", 2);
      if (regionAndPort[0].equals(args[0])) {
        builder.listen("127.0.0.1:" + regionAndPort[1]);
      } else {
        builder.peer(regionAndPort[0], "127.0.0.1:" + regionAndPort[1]);
      }
    }
    MetadataFabric fabric = builder.open();
    var writer = new Thread(() -> write(fabric, args[0], Long.parseLong(args[2])), "writer");
    writer.setDaemon(true);
    writer.start();
    obey(fabric, writer);
    Runtime.getRuntime().halt(0);
  }

  private static void write(MetadataFabric fabric, String region, long seed) {
    var random = new SplittableRandom(seed);
    for (int i = 0; writing; i++) {
      String key = "n/" + random.nextInt(KEYS);
      if (random.nextInt(100) < 85) {
        acknowledge(key, fabric.put(key, (region + " " + i).getBytes(UTF_8)));
      } else if (fabric.remove(key)) {
        acknowledge(key, fabric.explain(key).version().orElseThrow());
      }
    }
    say("STOPPED");
  }

  private static void acknowledge(String key, Version version) {
    say("ACK " + key + " " + version.dot().actor().id() + " " + version.dot().counter());
  }

  private static void say(String line) {
    synchronized (System.out) {
      System.out.println(line);
      System.out.flush();
    }
  }

  private static void obey(MetadataFabric fabric, Thread writer) throws Exception {
    var in = new BufferedReader(new InputStreamReader(System.in, UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      if (line.equals("stop")) {
        writing = false;
        writer.join();
      } else if (line.equals("dump")) {
        dump(fabric);
      } else if (line.startsWith("state ")) {
        PeerStats peer = fabric.peer(line.substring("state ".length())).stats();
        say(peer.state() + (peer.state().isTrusted() ? " trusted" : " not trusted"));
      } else if (line.equals("read")) {
        read(fabric);
      } else {
        check(fabric, Path.of(line.substring("check ".length())));
      }
      say("END");
    }
  }

  private static void dump(MetadataFabric fabric) {
    boolean inSync =
        fabric.stats().replication().peers().stream()
            .allMatch(peer -> peer.state() == PeerState.IN_SYNC && peer.pendingChanges() == 0);
    say("STATE inSync=" + inSync);
    for (int i = 0; i < KEYS; i++) {
      String key = "n/" + i;
      say(
          "STATE "
              + key
              + " "
              + fabric.explain(key).version().map(Version::dot)
              + " "
              + fabric.get(key).map(Versioned::utf8));
    }
  }

  /** Says which keys nobody can answer for now. */
  private static void read(MetadataFabric fabric) {
    for (int i = 0; i < KEYS; i++) {
      try {
        fabric.get("n/" + i);
        fabric.get("never-written/" + i);
      } catch (RegionUnreachableException e) {
        say("UNREADABLE " + e.getMessage());
      }
    }
  }

  /** Says which of the acknowledged writes this region knows nothing of. */
  private static void check(MetadataFabric fabric, Path acknowledged) throws IOException {
    var versions = new HashMap<String, Optional<Version>>(); // nobody writes now
    for (String line : Files.readAllLines(acknowledged)) {
      String[] part = line.split(" ");
      var dot = new Dot(new ActorId(Long.parseLong(part[1])), Long.parseLong(part[2]));
      Optional<Version> version =
          versions.computeIfAbsent(part[0], key -> fabric.explain(key).version());
      if (!version.map(known -> known.covers(dot)).orElse(false)) {
        say("LOST " + line);
      }
    }
  }
}
