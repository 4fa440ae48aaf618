package io.metafabric.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TraceTest {
  @TempDir Path directory;

  Path trace(String text) throws IOException {
    Path file = directory.resolve("trace.csv.gz");
    try (var out = new GZIPOutputStream(Files.newOutputStream(file))) {
      out.write(text.getBytes(StandardCharsets.UTF_8));
    }
    return file;
  }

  @Test
  void theBundledTrace_isWhole_andOfAllRegions() throws IOException {
    Trace bundled = Trace.read(null, ThreeRegions.REGIONS);
    assertThat(bundled.size()).isGreaterThan(100_000);
    assertThat(bundled.broken()).isZero();
    assertThat(bundled.regions()).containsExactlyInAnyOrderElementsOf(ThreeRegions.REGIONS);
  }

  @Test
  void brokenRows_areLeftOut_andReportedWithTheirLines() throws IOException {
    Trace read =
        Trace.read(
            trace(
                """
                timestamp_ms,client,key,op,size,region
                1,p1,a,get,10,eu-west
                2,p1,b,fly,10,eu-west
                x,p1,c,get,10,eu-west
                4,p1,d,get
                5,p2,e,put,0,
                """),
            ThreeRegions.REGIONS);
    assertThat(read.size()).isEqualTo(2);
    assertThat(read.broken()).isEqualTo(3);
    assertThat(read.problems().get(0)).contains("line 3").contains("fly");
    assertThat(read.problems().get(2)).contains("line 5");
    assertThat(read.keys()).containsEntry("files/e", 200);
  }

  @Test
  void aSample_keepsWholeClients_andCutsLongOnes() throws IOException {
    var text = new StringBuilder();
    for (int client = 0; client < 10; client++) {
      for (int i = 0; i < 20; i++) {
        text.append("1,p").append(client).append(",k").append(i).append(",get,1,eu-west\n");
      }
    }
    Trace read = Trace.read(trace(text.toString()), ThreeRegions.REGIONS);
    read.keepShareOfClients(0.5);
    read.cutClientsAt(8);
    assertThat(read.clientsOf("eu-west")).hasSize(5).allSatisfy(c -> assertThat(c).hasSize(8));
  }

  @Test
  void badOptions_areRefusedByName() {
    assertThatThrownBy(() -> ThreeRegionsOptions.parse("--share", "2"))
        .hasMessageContaining("--share");
    assertThatThrownBy(() -> ThreeRegionsOptions.parse("--fast")).hasMessageContaining("--fast");
    assertThatThrownBy(() -> ThreeRegionsOptions.parse("--trace", "/no/such/file"))
        .hasMessageContaining("/no/such/file");
    assertThatThrownBy(() -> ThreeRegionsOptions.parse("--clients"))
        .hasMessageContaining("needs a value");
    assertThat(ThreeRegionsOptions.parse().trace()).isNull();
  }

  @Test
  void theQuickstart_runs() {
    assertThat(Quickstart.run(directory.resolve("quick"))).hasValue("blue teapot");
  }

  @Test
  void aSmallReplayInThisJvm_readsEverything() throws Exception {
    var text = new StringBuilder();
    for (int client = 0; client < 4; client++) {
      for (int i = 0; i < 6; i++) {
        for (String region : ThreeRegions.REGIONS) {
          text.append("1,p").append(client).append(region).append(",k").append(i);
          text.append(",get,100,").append(region).append('\n');
        }
      }
    }
    Path file = trace(text.toString());
    var options =
        ThreeRegionsOptions.parse(
            "--single-jvm", "--share", "1", "--clients", "4", "--trace", file.toString());
    var printed = new java.io.ByteArrayOutputStream();
    long wrong =
        new ThreeRegions(
                options,
                Trace.read(file, ThreeRegions.REGIONS),
                new java.io.PrintStream(printed, true, StandardCharsets.UTF_8))
            .run();
    assertThat(wrong).isZero();
    assertThat(printed.toString(StandardCharsets.UTF_8)).contains("total").contains("remote reads");
  }
}
