package io.metafabric.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.DirectoryInUseException;
import io.metafabric.core.port.Disk;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.reflect.InvocationTargetException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LockFileTest {
  /** Another process: takes the lock, says what became of it, and lives until its input ends. */
  static final class Holder {
    public static void main(String[] arguments) throws IOException {
      try {
        new FileDisk(Path.of(arguments[0])).lock();
        System.out.println("taken");
      } catch (DirectoryInUseException e) {
        System.out.println("refused: " + e.getMessage());
      }
      while (System.in.read() >= 0) {}
    }
  }

  @TempDir Path directory;
  private final List<Process> processes = new ArrayList<>();

  @AfterEach
  void endProcesses() throws InterruptedException {
    for (Process process : processes) {
      process.destroyForcibly().waitFor();
    }
  }

  private String startHolder() throws IOException {
    Process process =
        new ProcessBuilder(
                ProcessHandle.current().info().command().orElse("java"),
                "-cp",
                System.getProperty("java.class.path"),
                Holder.class.getName(),
                directory.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    processes.add(process);
    var answer =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    return answer.readLine();
  }

  @Test
  void anotherProcess_isRefused_andToldWhoHasIt() throws IOException {
    try (var lock = new FileDisk(directory).lock()) {
      assertThat(lock).isNotNull();
      assertThat(startHolder())
          .startsWith("refused")
          .contains(directory.toString())
          .contains("process " + ProcessHandle.current().pid());
    }
    assertThat(startHolder()).isEqualTo("taken");
  }

  @Test
  void aSecondTryInThisProcess_doesNotDropTheLockForOthers() throws IOException {
    var disk = new FileDisk(directory);
    try (var lock = disk.lock()) {
      assertThat(lock).isNotNull();
      assertThatThrownBy(disk::lock)
          .isInstanceOf(DirectoryInUseException.class)
          .hasMessageContaining("this process");
      assertThat(startHolder()).startsWith("refused");
    }
  }

  @Test
  void aProcessThatIsKilled_leavesNoLock() throws Exception {
    assertThat(startHolder()).isEqualTo("taken");
    var disk = new FileDisk(directory);
    assertThatThrownBy(disk::lock)
        .isInstanceOf(DirectoryInUseException.class)
        .hasMessageContaining("process " + processes.get(0).pid());

    processes.get(0).destroyForcibly().waitFor();

    disk.lock().close();
  }

  @Test
  void whoOnlyReads_isRefusedByAWriter_andKeepsWritersAway() throws Exception {
    assertThat(startHolder()).isEqualTo("taken");
    var readOnly = new ReadOnlyDisk(directory);
    assertThatThrownBy(readOnly::lock)
        .isInstanceOf(DirectoryInUseException.class)
        .hasMessageContaining("process " + processes.get(0).pid());
    processes.get(0).destroyForcibly().waitFor();
    try (var lock = readOnly.lock()) {
      assertThat(lock).isNotNull();
      assertThatThrownBy(() -> new FileDisk(directory).lock())
          .isInstanceOf(DirectoryInUseException.class)
          .hasMessageContaining("this process");
      assertThat(startHolder()).startsWith("refused");
    }
    assertThat(startHolder()).isEqualTo("taken");
  }

  @Test
  void aDirectoryUnderAnotherName_isTheSame() throws IOException {
    Path link = Files.createSymbolicLink(directory.resolve("link"), directory);
    try (var lock = new FileDisk(directory).lock()) {
      assertThat(lock).isNotNull();
      assertThatThrownBy(() -> new FileDisk(link).lock())
          .isInstanceOf(DirectoryInUseException.class);
    }
  }

  @Test
  void theLibraryInAnotherClassLoader_isRefused() throws Exception {
    var disk = new FileDisk(directory);
    try (var other = new URLClassLoader(classPath(), ClassLoader.getPlatformClassLoader())) {
      Class<?> theirs = other.loadClass(FileDisk.class.getName());
      assertThat(theirs).isNotSameAs(FileDisk.class);
      Object theirDisk = theirs.getConstructor(Path.class).newInstance(directory);
      try (var lock = disk.lock()) {
        assertThat(lock).isNotNull();
        assertThatThrownBy(() -> theirs.getMethod("lock").invoke(theirDisk))
            .isInstanceOf(InvocationTargetException.class)
            .cause()
            .satisfies(
                e ->
                    assertThat(e.getClass().getName())
                        .isEqualTo(DirectoryInUseException.class.getName()));
      }
      var theirLock = (AutoCloseable) theirs.getMethod("lock").invoke(theirDisk);
      assertThatThrownBy(disk::lock).isInstanceOf(DirectoryInUseException.class);
      theirLock.close();
    }
    disk.lock().close();
  }

  private static URL[] classPath() throws MalformedURLException {
    var urls = new ArrayList<URL>();
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
      urls.add(Path.of(entry).toUri().toURL());
    }
    return urls.toArray(new URL[0]);
  }

  @Test
  void aLockThatCannotBeTaken_leavesNoTrace() throws IOException {
    Files.createDirectory(directory.resolve("fabric.lock"));
    var disk = new FileDisk(directory);
    int before = System.getProperties().size();

    assertThatThrownBy(disk::lock)
        .isInstanceOf(io.metafabric.core.error.StorageException.class)
        .hasMessageContaining("fabric.lock");
    assertThat(System.getProperties()).hasSize(before);

    Files.delete(directory.resolve("fabric.lock"));
    Disk.DirectoryLock lock = disk.lock();
    lock.close();
    assertThat(System.getProperties()).hasSize(before);
  }
}
