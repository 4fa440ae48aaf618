package io.metafabric.benchmarks.replay;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;

/**
 * Reads a trace: CSV, gzip or plain, with the header {@value #HEADER}. A row that does not fit the
 * format is counted and reported with the number of its line; it is skipped, or ends the reading.
 */
public final class TraceReader {
  static final String HEADER = "timestamp_ms,client,key,op,size,region";

  private static final int COLUMNS = 6;
  private static final int MAX_REPORTED = 20;
  private static final int MAX_SHOWN = 80;
  private static final int GZIP_MAGIC = 0x1f8b;

  /** What to do with rows that do not fit. */
  public enum BrokenRows {
    SKIP,
    REFUSE
  }

  private final BrokenRows brokenRows;
  private final Names clients = new Names();
  private final Names keys = new Names();
  private final Names regions = new Names();
  private final List<String> reported = new ArrayList<>();
  private int broken;

  private long[] timeMs = new long[1024];
  private int[] client = new int[1024];
  private int[] key = new int[1024];
  private boolean[] put = new boolean[1024];
  private int[] size = new int[1024];
  private int[] region = new int[1024];
  private int rows;

  private TraceReader(BrokenRows brokenRows) {
    this.brokenRows = brokenRows;
  }

  /** Numbers for names, in the order in which they come. */
  private static final class Names {
    private final Map<String, Integer> numbers = new HashMap<>();
    private final List<String> all = new ArrayList<>();

    int number(String name) {
      Integer known = numbers.get(name);
      if (known != null) {
        return known;
      }
      numbers.put(name, all.size());
      all.add(name);
      return all.size() - 1;
    }
  }

  /**
   * @throws ReplayException if the file cannot be read, has another header or no rows, or has a
   *     broken row where these are refused
   */
  public static Trace read(Path file, BrokenRows brokenRows) {
    var reader = new TraceReader(brokenRows);
    try (InputStream in = open(file);
        var lines = new BoundedLines(new InputStreamReader(in, StandardCharsets.ISO_8859_1))) {
      reader.readAll(file, lines);
    } catch (IOException e) {
      throw new ReplayException("cannot read trace " + file + ": " + e, e);
    }
    return reader.trace(nameOf(file));
  }

  /** Gzip or plain, as its first bytes say. */
  static InputStream open(Path file) throws IOException {
    var in = new BufferedInputStream(Files.newInputStream(file));
    try {
      in.mark(2);
      int magic = in.read() << 8 | in.read();
      in.reset();
      return magic == GZIP_MAGIC ? new GZIPInputStream(in, 1 << 16) : in;
    } catch (IOException e) {
      in.close();
      throw e;
    }
  }

  static String nameOf(Path file) {
    Path last = file.getFileName();
    String name = last == null ? file.toString() : last.toString();
    return name.replaceAll("\\.gz$", "").replaceAll("\\.csv$", "");
  }

  private void readAll(Path file, BoundedLines lines) throws IOException {
    String header = lines.next();
    if (!HEADER.equals(header)) {
      throw new ReplayException(
          "trace " + file + " begins with \"" + shown(header) + "\"; expected " + HEADER);
    }
    long number = 1;
    // Each byte is a character here: with a charset's own replacements two keys could become one.
    for (String line = lines.next(); line != null; line = lines.next()) {
      number++;
      String decoded = Utf8.decoded(line);
      String wrong;
      if (lines.isTooLong()) {
        wrong = BoundedLines.TOO_LONG;
      } else {
        wrong = decoded == null ? "bytes that are not UTF-8" : read(decoded);
      }
      if (wrong != null) {
        String shown = shown(decoded == null ? line : decoded);
        String report = file + " line " + number + ": " + wrong + ": \"" + shown + "\"";
        if (brokenRows == BrokenRows.REFUSE) {
          throw new ReplayException(report + "; repair it, or --broken-rows skip");
        }
        broken++;
        if (reported.size() < MAX_REPORTED) {
          reported.add(report);
        }
      }
    }
    if (rows == 0) {
      throw new ReplayException("trace " + file + " has no rows that can be replayed");
    }
  }

  /** Enough of it to know it again, and nothing that a terminal would obey. */
  static String shown(String text) {
    String printable = text == null ? "" : text.replaceAll("\\p{Cntrl}", "?");
    return printable.length() > MAX_SHOWN ? printable.substring(0, MAX_SHOWN) + "..." : printable;
  }

  /** Takes a row in; what is wrong with it, or null. */
  private String read(String line) {
    String[] columns = line.split(",", -1);
    if (columns.length != COLUMNS) {
      return columns.length + " columns instead of " + COLUMNS;
    }
    if (columns[2].isEmpty()) {
      return "no key";
    }
    boolean isPut = columns[3].equals("put");
    if (!isPut && !columns[3].equals("get")) {
      return "op is neither get nor put";
    }
    long atMs;
    int bytes;
    try {
      atMs = Long.parseLong(columns[0]);
      bytes = columns[4].isEmpty() ? 0 : Integer.parseInt(columns[4]);
    } catch (NumberFormatException e) {
      return "timestamp or size is no number";
    }
    if (bytes < 0) {
      return "a negative size";
    }
    if (rows == key.length) {
      grow();
    }
    timeMs[rows] = atMs;
    client[rows] = clients.number(columns[1]);
    key[rows] = keys.number(columns[2]);
    put[rows] = isPut;
    size[rows] = bytes;
    region[rows] = regions.number(columns[5]);
    rows++;
    return null;
  }

  private void grow() {
    int more = rows * 2;
    timeMs = Arrays.copyOf(timeMs, more);
    client = Arrays.copyOf(client, more);
    key = Arrays.copyOf(key, more);
    put = Arrays.copyOf(put, more);
    size = Arrays.copyOf(size, more);
    region = Arrays.copyOf(region, more);
  }

  private Trace trace(String name) {
    return new Trace(
        name,
        Arrays.copyOf(timeMs, rows),
        Arrays.copyOf(client, rows),
        Arrays.copyOf(key, rows),
        Arrays.copyOf(put, rows),
        Arrays.copyOf(size, rows),
        Arrays.copyOf(region, rows),
        List.copyOf(clients.all),
        List.copyOf(keys.all),
        List.copyOf(regions.all),
        List.copyOf(reported),
        broken);
  }
}
