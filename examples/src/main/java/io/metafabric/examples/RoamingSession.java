package io.metafabric.examples;

import io.metafabric.FabricBuilder;
import io.metafabric.MetadataFabric;
import io.metafabric.Session;
import io.metafabric.SessionToken;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A user changes a profile in one region, and the next request comes in another one. The token goes
 * along, as a cookie would; so the user sees the change there, though it may be still under way.
 */
public final class RoamingSession {
  private RoamingSession() {}

  public static void main(String[] args) throws IOException {
    Path directory = Files.createTempDirectory("roaming");
    System.out.println("read in us-east: " + run(directory).orElse("nothing"));
  }

  static Optional<String> run(Path directory) {
    // The same in all regions: nobody outside can make up a token.
    byte[] secret = "at least sixteen bytes".getBytes(StandardCharsets.UTF_8);
    List<Integer> ports = FreePorts.take(2);
    try (var west = region("eu-west", directory, ports.get(0), "us-east", ports.get(1), secret);
        var east = region("us-east", directory, ports.get(1), "eu-west", ports.get(0), secret)) {
      Session session = west.session();
      session.put("profiles/ann", "blue".getBytes(StandardCharsets.UTF_8));
      String cookie = session.token().toString();

      Session goesOn = east.session(SessionToken.parse(cookie));
      return goesOn.get("profiles/ann").map(value -> value.utf8());
    }
  }

  private static MetadataFabric region(
      String name, Path directory, int port, String peer, int peerPort, byte[] secret) {
    FabricBuilder builder =
        MetadataFabric.builder().region(name).directory(directory.resolve(name));
    builder.listen("127.0.0.1:" + port).peer(peer, "127.0.0.1:" + peerPort);
    return builder.sessionSecret(secret).open();
  }
}
