package io.metafabric.tool;

import io.metafabric.cache.chronicle.ChronicleFiles;
import io.metafabric.core.error.FabricException;
import io.metafabric.core.journal.JournalConfig;
import io.metafabric.core.journal.JournalFiles;
import io.metafabric.core.port.Disk;
import io.metafabric.core.store.HintCheck;
import io.metafabric.core.store.ViewReport;
import io.metafabric.host.FileDisk;
import io.metafabric.host.ReadOnlyDisk;
import io.metafabric.predict.ForesightFile;
import io.metafabric.replicate.arm.SpentFile;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;

/**
 * Looks into a directory that no fabric has open: {@code java -cp metadata-fabric.jar
 * io.metafabric.tool.JournalTool inspect DIRECTORY}, or {@code repair DIRECTORY NEW-DIRECTORY}.
 */
public final class JournalTool {
  static final int GOOD = 0;
  static final int DAMAGED = 1;
  static final int USAGE = 2;
  static final int FAILED = 3;

  /** What else a fabric keeps in its directory; docs/FORMAT.md says what it is. */
  private static final Set<String> VIEWS =
      Set.of("fabric.lock", "index.hint", "warm.chronicle", "warm.chronicle.clean", SpentFile.NAME);

  private final PrintStream out;
  private final PrintStream err;

  JournalTool(PrintStream out, PrintStream err) {
    this.out = out;
    this.err = err;
  }

  /** Exits with 0 if everything is readable, 1 if not, 2 for bad arguments, 3 if it could not. */
  public static void main(String[] args) {
    System.exit(new JournalTool(System.out, System.err).run(args));
  }

  int run(String... args) {
    try {
      if (args.length == 2 && args[0].equals("inspect")) {
        return inspect(Path.of(args[1]));
      }
      if (args.length == 3 && args[0].equals("repair")) {
        return repair(Path.of(args[1]), Path.of(args[2]));
      }
    } catch (FabricException | IllegalArgumentException e) {
      err.println(e.getMessage());
      return FAILED;
    }
    err.println(
        """
        usage: java -cp metadata-fabric.jar io.metafabric.tool.JournalTool COMMAND
          inspect DIRECTORY
            what is in it, segment by segment; every checksum is verified, those of the index's hint and
            of Chronicle Map's marker too, what is missing is told, nothing is changed
          repair DIRECTORY NEW-DIRECTORY
            copies all that is readable into another directory without a journal, and lists what
            is not; nothing is changed in the first
        Close the fabric first. Exit code: 0 all readable, 1 damage, 2 usage, 3 failed. A damaged hint or
        marker loses nothing: the next opening does without it.\
        """);
    return USAGE;
  }

  private int inspect(Path directory) {
    var disk = new ReadOnlyDisk(directory);
    Disk.DirectoryLock lock = disk.lock();
    try {
      var files = new JournalFiles(disk);
      List<JournalFiles.Report> reports = files.inspect();
      if (reports.isEmpty()) {
        err.println(directory + " holds no journal");
        return FAILED;
      }
      out.printf("%-44s %12s %9s %9s  %s%n", "segment", "bytes", "frames", "payloads", "positions");
      reports.forEach(this::print);
      List<ViewReport> views = List.of(HintCheck.inspect(disk), ChronicleFiles.inspect(disk));
      views.forEach(this::print);
      printForeign(disk.list(), reports, files.companions());
      boolean good =
          reports.stream().allMatch(report -> report.damages().isEmpty())
              && views.stream().noneMatch(view -> view.state() == ViewReport.State.DAMAGED);
      return good ? GOOD : DAMAGED;
    } finally {
      lock.close();
    }
  }

  private void printForeign(
      List<String> all, List<JournalFiles.Report> segments, List<String> companions) {
    var foreign = new TreeSet<>(all);
    segments.forEach(each -> foreign.remove(each.file()));
    companions.forEach(foreign::remove);
    foreign.removeAll(VIEWS);
    foreign.removeIf(ForesightFile::isNamed);
    foreign.forEach(name -> out.printf("not the fabric's: %s%n", name));
  }

  private void print(JournalFiles.Report report) {
    out.printf(
        "%-44s %,12d %,9d %,9d  %d to %d%s%n",
        report.file(),
        report.bytes(),
        report.frames(),
        report.payloads(),
        report.firstPosition(),
        report.lastPosition(),
        report.compacted() ? ", compacted" : "");
    report.damages().forEach(this::print);
  }

  private void print(ViewReport view) {
    String state = view.state().name().toLowerCase(Locale.ROOT);
    out.printf("%-44s %s: %s%n", view.file(), state, view.why());
  }

  private void print(JournalFiles.Damage damage) {
    out.printf(
        "  UNREADABLE %s offset %d to %d: %s%n",
        damage.file(), damage.fromOffset(), damage.toOffset(), damage.why());
  }

  private int repair(Path directory, Path into) {
    var from = new ReadOnlyDisk(directory);
    if (isSame(directory, into)) {
      throw new IllegalArgumentException("the new directory must be another one than " + directory);
    }
    Disk.DirectoryLock lock = from.lock();
    try {
      var target = new FileDisk(into);
      Disk.DirectoryLock ours = target.lock();
      try {
        JournalFiles.Repair repair =
            new JournalFiles(from).repairInto(target, JournalConfig.DEFAULT_SEGMENT_BYTES);
        repair.unreadable().forEach(this::print);
        out.printf("%,d entries copied from %s to %s%n", repair.entries(), directory, into);
        return repair.unreadable().isEmpty() ? GOOD : DAMAGED;
      } finally {
        ours.close();
      }
    } finally {
      lock.close();
    }
  }

  private static boolean isSame(Path one, Path other) {
    try {
      return Files.exists(other) && Files.isSameFile(one, other);
    } catch (IOException e) {
      throw new IllegalArgumentException("cannot compare " + one + " and " + other + ": " + e, e);
    }
  }
}
