package io.metafabric.examples;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A region in a JVM of its own, commanded by lines over its standard input and output. */
final class RemoteRegion implements Region {
  private final String name;
  private final Process process;
  private final PrintStream commands;
  private final Object lock = new Object();
  private CompletableFuture<Void> running = CompletableFuture.completedFuture(null);
  private @Nullable String ended;
  private volatile long done;
  private volatile @Nullable RegionResult result;

  RemoteRegion(String name, List<String> arguments) throws IOException {
    this.name = name;
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx256m", "-XX:+UseSerialGC", "-cp"));
    command.add(System.getProperty("java.class.path"));
    command.add(RegionProcess.class.getName());
    command.addAll(arguments);
    this.process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    this.commands = new PrintStream(process.getOutputStream(), true, StandardCharsets.UTF_8);
    var reader = new Thread(this::read, "read-" + name);
    reader.setDaemon(true);
    reader.start();
  }

  /** For tests that kill it. */
  ProcessHandle process() {
    return process.toHandle();
  }

  private void read() {
    String why = "it stopped to answer";
    try (var in =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        heard(line);
      }
      why = "its process ended with code " + process.waitFor();
    } catch (IOException e) {
      why = e.toString();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      end(why);
    }
  }

  private void heard(String line) {
    if (line.startsWith("PROGRESS ")) {
      done = Long.parseLong(line.substring(9));
    } else if (line.startsWith("RESULT ")) {
      result = RegionResult.decode(line.substring(7));
    } else if (line.equals("DONE")) {
      running().complete(null);
    } else if (line.startsWith("FAILED ")) {
      running().completeExceptionally(failure(line.substring(7)));
    }
  }

  private CompletableFuture<Void> running() {
    synchronized (lock) {
      return running;
    }
  }

  /** What is under way fails, and so does whatever is begun from now on. */
  private void end(String why) {
    synchronized (lock) {
      ended = why;
    }
    running().completeExceptionally(failure(why));
  }

  private IllegalStateException failure(String why) {
    return new IllegalStateException("region " + name + " failed: " + why);
  }

  @Override
  public CompletableFuture<Void> begin(Step step) {
    CompletableFuture<Void> begun;
    synchronized (lock) {
      if (ended != null) {
        return CompletableFuture.failedFuture(failure(ended));
      }
      begun = new CompletableFuture<>();
      running = begun;
    }
    commands.println(step);
    return begun;
  }

  @Override
  public long done() {
    return done;
  }

  @Override
  public RegionResult result() {
    RegionResult got = result;
    if (got == null) {
      throw new IllegalStateException("region " + name + " has no result");
    }
    return got;
  }

  /** The child ends when its input does, unless it is busy. */
  @Override
  public void close() {
    commands.close();
    try {
      if (!running().isDone() || !process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly().waitFor();
      }
      process.getInputStream().close();
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
