package io.metafabric;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.metafabric.core.transport.FreePorts;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Three regions in three processes; one is killed. */
class KilledRegionTest {
  @TempDir Path directory;

  private final List<String> acknowledged = new CopyOnWriteArrayList<>();
  private final List<Child> children = new ArrayList<>();
  private List<Integer> ports = List.of();

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2})
  @Timeout(60)
  void aRegionThatIsKilledWhileItWrites_catchesUp_andNothingAcknowledgedIsLost(int killed)
      throws Exception {
    List<Child> all = openAll();

    Child victim = all.get(killed);
    victim.kill();
    Child survivor = all.get((killed + 1) % 3);
    int beforeTheRestart = survivor.acknowledgements();
    awaitWrites(survivor, beforeTheRestart + 100);
    Child again = new Child(killed, 4);
    all.set(killed, again);
    awaitWrites(again, 100);

    for (Child each : all) {
      assertThat(each.ask("stop")).contains("STOPPED");
    }
    await("all regions have the same state")
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(
            () -> {
              List<String> state = survivor.ask("dump");
              assertThat(state).contains("STATE inSync=true").hasSize(1 + RegionProcess.KEYS);
              assertThat(again.ask("dump")).isEqualTo(state);
              assertThat(all.get((killed + 2) % 3).ask("dump")).isEqualTo(state);
            });
    assertThat(acknowledged).hasSizeGreaterThan(500);
    Path file = Files.write(directory.resolve("acknowledged"), acknowledged);
    for (Child each : all) {
      assertThat(each.ask("check " + file)).as("lost in " + each.region).isEmpty();
    }
  }

  private static void awaitWrites(Child child, int count) {
    await(child.region + " has written")
        .atMost(Duration.ofSeconds(20))
        .until(() -> child.acknowledgements() >= count);
  }

  /**
   * A third of the keys have their home in the region that is gone: its backup answers for it, if
   * it had all that the home had written. A region that is killed with changes still to be sent
   * leaves keys that nobody may deny, so this one has sent them all.
   */
  @Test
  @Timeout(60)
  void aRegionThatIsKilledWhenAllIsSent_isAnsweredForByItsBackups() throws Exception {
    List<Child> all = openAll();
    for (Child each : all) {
      assertThat(each.ask("stop")).contains("STOPPED");
    }
    for (Child each : all) {
      await(each.region + " has what the others wrote")
          .atMost(Duration.ofSeconds(20))
          .until(() -> each.ask("dump").contains("STATE inSync=true"));
    }
    Child victim = all.get(0);
    victim.kill();

    for (Child each : all.subList(1, 3)) {
      await("every key can be read in " + each.region)
          .atMost(Duration.ofSeconds(20))
          .untilAsserted(
              () -> {
                assertThat(each.ask("state " + victim.region))
                    .isNotEmpty()
                    .allMatch(line -> line.endsWith("not trusted"));
                assertThat(each.ask("read")).isEmpty();
              });
    }
  }

  private List<Child> openAll() throws IOException {
    ports = FreePorts.take(3);
    List<Child> all = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      all.add(new Child(i, 1 + i));
    }
    for (Child each : all) {
      awaitWrites(each, 100);
    }
    return all;
  }

  @AfterEach
  void endChildren() throws InterruptedException {
    for (Child each : children) {
      each.process.destroyForcibly();
    }
    for (Child each : children) {
      each.process.waitFor();
    }
  }

  /** One region's process, and what it says. */
  private final class Child {
    final String region;
    final Process process;
    final Thread reader;
    private final LinkedBlockingQueue<String> answers = new LinkedBlockingQueue<>();
    private final PrintStream commands;
    private volatile int acknowledgements;

    Child(int index, long seed) throws IOException {
      region = ThreeFabricsTest.REGIONS.get(index);
      var command = new ArrayList<>(ChildJvm.command(RegionProcess.class));
      command.addAll(List.of(region, directory.resolve(region).toString(), "" + seed));
      for (int i = 0; i < ports.size(); i++) {
        command.add(ThreeFabricsTest.REGIONS.get(i) + "=" + ports.get(i));
      }
      process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
      children.add(this);
      commands = new PrintStream(process.getOutputStream(), true, UTF_8);
      reader = new Thread(this::listen, "listen-to-" + region);
      reader.setDaemon(true);
      reader.start();
    }

    private void listen() {
      try (var lines = new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8))) {
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
          if (line.matches("ACK \\S+ -?\\d+ \\d+")) {
            acknowledged.add(line.substring("ACK ".length()));
            acknowledgements++;
          } else if (!line.startsWith("ACK")) {
            answers.add(line);
          }
        }
      } catch (IOException e) {
        // The process was killed; what it had said whole was read.
        answers.add("ended: " + e);
      }
    }

    void kill() throws InterruptedException {
      process.destroyForcibly();
      assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).as("it was killed, and did not end").isEqualTo(128 + 9);
      reader.join();
    }

    int acknowledgements() {
      return acknowledgements;
    }

    List<String> ask(String command) throws InterruptedException {
      commands.println(command);
      var lines = new ArrayList<String>();
      while (true) {
        String line = answers.poll(15, TimeUnit.SECONDS);
        assertThat(line).as(region + " answers to " + command).isNotNull();
        if (line.equals("END")) {
          return lines;
        }
        lines.add(line);
      }
    }
  }
}
