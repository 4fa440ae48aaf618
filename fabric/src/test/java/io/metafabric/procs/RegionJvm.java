package io.metafabric.procs;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.metafabric.ChildJvm;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * One region's process, life after life, as its parent sees it. Methods belong to one thread, but
 * for {@link #tellIfThere}; what the process says is heard by another.
 */
final class RegionJvm implements AutoCloseable {
  private static final int SAFETY_SECONDS = 60;
  private static final int SIGKILL_EXIT = 128 + 9;
  private static final String GONE = "GONE";

  private final String region;
  private final IntFunction<List<String>> arguments;
  private final Recorder recorder;
  private final Roaming roaming;
  private final BlockingQueue<String> violations;
  private final File log;
  private volatile @Nullable Life life;

  /**
   * @param arguments of a life, by its number
   * @param violations where to say what must not be
   * @param log where its standard error goes, and what it says that is not for us
   */
  RegionJvm(
      String region,
      IntFunction<List<String>> arguments,
      Recorder recorder,
      Roaming roaming,
      BlockingQueue<String> violations,
      File log) {
    this.region = region;
    this.arguments = arguments;
    this.recorder = recorder;
    this.roaming = roaming;
    this.violations = violations;
    this.log = log;
  }

  private final class Life {
    final int number;
    final Process process;
    final PrintStream commands;
    final Thread reader;
    final BlockingQueue<String> answers = new LinkedBlockingQueue<>();
    volatile int expectedExit = -1;
    private int told;

    Life(int number) throws IOException {
      this.number = number;
      var command = new ArrayList<>(ChildJvm.command(RegionMain.class));
      command.addAll(arguments.apply(number));
      process =
          new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.appendTo(log)).start();
      commands = new PrintStream(process.getOutputStream(), true, UTF_8);
      reader = new Thread(this::listen, "listen-to-" + region);
      reader.setDaemon(true);
      reader.start();
    }

    private void listen() {
      try (var lines = new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8))) {
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
          heard(line);
        }
        int exit = process.waitFor();
        if (exit != expectedExit) {
          violations.add(region + "'s process ended by itself, with code " + exit);
        }
      } catch (IOException | InterruptedException | RuntimeException e) {
        violations.add("listening to " + region + ": " + e);
      } finally {
        answers.add(GONE);
        recorder.ended(number);
        roaming.down(region);
      }
    }

    private void heard(String line) {
      String[] part = line.split(" ", -1);
      switch (part[0]) {
        case "TRY" -> recorder.tried(WriteId.parse(part[1]), part[2], Effect.valueOf(part[3]));
        case "ACK" -> recorder.acknowledged(WriteId.parse(part[1]), KeyState.version(part[2]));
        case "UNDER" ->
            recorder.acknowledgedUnder(WriteId.parse(part[1]), KeyState.version(part[2]));
        case "NO" -> recorder.declined(WriteId.parse(part[1]));
        case "READ" -> recorder.read(WriteId.parse(part[1]));
        case "UNREACHABLE" -> recorder.unreachable();
        case "STATE" -> answers.add(line.substring("STATE ".length()));
        case "END" -> answers.add(line);
        default -> {
          if (!roaming.heard(region, part)) {
            violations.add(region + ": " + line);
          }
        }
      }
    }

    /** Returns the number that the answer ends with. */
    int tell(String command) {
      send(++told, command);
      return told;
    }

    /** Nobody waits for an answer if the number is 0. */
    synchronized void send(int withNumber, String command) {
      commands.println(withNumber + " " + command);
    }

    void signal(String name) throws IOException, InterruptedException {
      if (process.isAlive()) {
        new ProcessBuilder("kill", "-" + name, "" + process.pid()).start().waitFor();
      }
    }
  }

  private Life life() {
    Life present = life;
    if (present == null) {
      throw new IllegalStateException(region + " was never started");
    }
    return present;
  }

  /**
   * Begins its next life, once the one before has ended.
   *
   * @param working whether it writes and reads as soon as it can
   */
  void start(int number, boolean working) throws IOException, InterruptedException {
    Life before = life;
    if (before != null) {
      awaitEnd(before);
    }
    var next = new Life(number);
    life = next;
    if (working) {
      next.tell("go");
      roaming.up(region);
    }
  }

  /** May be called by any thread, whatever becomes of the process. */
  void tellIfThere(String command) {
    Life present = life;
    if (present != null) {
      present.send(0, command);
    }
  }

  private void awaitEnd(Life of) throws InterruptedException {
    of.reader.join(TimeUnit.SECONDS.toMillis(SAFETY_SECONDS));
    if (of.reader.isAlive()) {
      violations.add(region + " did not end within " + SAFETY_SECONDS + " s");
      of.process.destroyForcibly();
    }
  }

  boolean isRunning() {
    return life().expectedExit < 0;
  }

  void kill() throws IOException, InterruptedException {
    life().expectedExit = SIGKILL_EXIT;
    // Not destroyForcibly, which throws away what was said and not yet heard.
    life().signal("KILL");
  }

  void shutDown() {
    life().expectedExit = 0;
    life().tell("shut");
  }

  void pause() throws IOException, InterruptedException {
    life().signal("STOP");
  }

  void resume() throws IOException, InterruptedException {
    life().signal("CONT");
  }

  /** Lets it work until it is to rest. */
  void go() throws InterruptedException {
    ask("go");
    roaming.up(region);
  }

  /** Waits until it has stopped to work, and was acknowledged or refused all that it tried. */
  void rest() throws InterruptedException {
    ask("rest");
  }

  /** What it is behind with, and then the state of each key. */
  List<String> dump() throws InterruptedException {
    return ask("dump");
  }

  /** What it holds after a collection. */
  Usage usage() throws InterruptedException {
    return Usage.parse(ask("usage").get(0));
  }

  private List<String> ask(String command) throws InterruptedException {
    Life asked = life();
    String end = "END " + asked.tell(command);
    var lines = new ArrayList<String>();
    while (true) {
      String line = asked.answers.poll(SAFETY_SECONDS, TimeUnit.SECONDS);
      if (line == null || line.equals(GONE)) {
        throw new IllegalStateException(
            region + (line == null ? " does not answer to " : " has ended before ") + command);
      }
      if (line.equals(end)) {
        return lines;
      }
      lines.add(line);
      if (line.startsWith("END ")) {
        // That was the answer to what was told before.
        lines.clear();
      }
    }
  }

  /** Its process ends, whatever state it is in. */
  @Override
  public void close() {
    Life last = life;
    if (last != null) {
      last.expectedExit = SIGKILL_EXIT;
      last.process.destroyForcibly();
    }
  }
}
