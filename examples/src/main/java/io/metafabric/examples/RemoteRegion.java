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
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A region in a JVM of its own, commanded by lines over its standard input and output. */
final class RemoteRegion implements Region {
  private final String name;
  private final Process process;
  private final PrintStream commands;
  private volatile CountDownLatch stepDone = new CountDownLatch(0);
  private volatile long done;
  private volatile @Nullable RegionResult result;
  private volatile @Nullable String failure;

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

  private void read() {
    try (var in =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        heard(line);
      }
      failure = failure == null ? "its process ended" : failure;
    } catch (IOException e) {
      failure = e.toString();
    } finally {
      stepDone.countDown();
    }
  }

  private void heard(String line) {
    if (line.startsWith("PROGRESS ")) {
      done = Long.parseLong(line.substring(9));
    } else if (line.startsWith("RESULT ")) {
      result = RegionResult.decode(line.substring(7));
    } else if (line.equals("DONE")) {
      stepDone.countDown();
    } else if (line.startsWith("FAILED ")) {
      failure = line.substring(7);
      stepDone.countDown();
    }
  }

  @Override
  public void begin(Step step) {
    stepDone = new CountDownLatch(1);
    commands.println(step);
  }

  @Override
  public void await() throws InterruptedException {
    stepDone.await();
    String why = failure;
    if (why != null) {
      throw new IllegalStateException("region " + name + " failed: " + why);
    }
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

  /** The child ends when its input does. */
  @Override
  public void close() {
    commands.close();
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
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
