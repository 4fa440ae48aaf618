package io.metafabric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.metafabric.replicate.tls.PeerTls;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The lines of docs/SECURITY.md that make certificates make some that are taken. */
class SecurityDocTest {
  @TempDir Path directory;

  @Test
  void theCommands_makeCertificatesThatAreTaken() throws Exception {
    assumeTrue(
        run("openssl version | grep -q 'OpenSSL 3'") == 0,
        "SKIPPED: no OpenSSL 3 here, so the commands of docs/SECURITY.md are not tried");
    String page = Files.readString(Path.of("../docs/SECURITY.md"));
    int begin = page.indexOf("```\n") + 4;
    assertThat(run(page.substring(begin, page.indexOf("```", begin)))).isZero();
    PeerTls files =
        PeerTls.fromPem(
            directory.resolve("eu.pem"), directory.resolve("eu.key"), directory.resolve("ca.pem"));
    MetadataFabric.builder()
        .cluster("prod")
        .region("eu")
        .directory(directory.resolve("data"))
        .listen("127.0.0.1:0")
        .tls(files)
        .open()
        .close();
  }

  private int run(String commands) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder("sh", "-ec", commands)
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("output").toFile())
            .start();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return process.exitValue();
  }
}
