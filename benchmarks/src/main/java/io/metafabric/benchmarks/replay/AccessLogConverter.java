package io.metafabric.benchmarks.replay;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.PrintStream;
import java.io.Writer;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.zip.GZIPOutputStream;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Makes a trace of an access log: a row for each line, in its order. The key is the path without
 * its query; to read is {@code get}, to change anything {@code put}, and lines with other methods
 * are left out. An address is replaced by a hash under a salt, which is drawn anew for each run if
 * none is given: then nobody can tell who it was. Lines that do not fit are counted, and the first
 * {@value #MAX_REPORTED} reported with their numbers.
 */
public final class AccessLogConverter {
  public static final String USAGE =
      """
      java -cp benchmarks/target/benchmarks.jar io.metafabric.benchmarks.ConvertAccessLog
        --in FILE          an access log in the common or combined format, with the virtual host
                           in front or not, gzip or plain
        --out FILE.csv.gz  the trace; replaced if it exists
        --salt TEXT        for the hashes of addresses; the same one gives the same clients
        --region NAME      of the server, for all rows; default none
      """;

  /** Bytes go through as they are, whatever the log's charset is. */
  private static final Charset BYTES = StandardCharsets.ISO_8859_1;

  private static final int MAX_REPORTED = 20;
  private static final int CLIENT_BYTES = 8;
  private static final int SALT_BYTES = 16;
  private static final String MAC = "HmacSHA256";
  private static final Set<String> NAMES = Set.of("--in", "--out", "--salt", "--region");

  private final String region;
  private final Mac mac;
  private final AccessLogLine line = new AccessLogLine();
  private final List<String> reported = new ArrayList<>();
  private long rows;
  private long broken;
  private long otherMethods;

  private AccessLogConverter(String region, byte[] salt) {
    this.region = region;
    try {
      this.mac = Mac.getInstance(MAC);
      mac.init(new SecretKeySpec(salt, MAC));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every JDK has " + MAC, e);
    }
  }

  /**
   * Converts what the arguments name.
   *
   * @param out is told what was converted
   * @param log gets reports of broken lines
   * @throws ReplayException if an option is wrong, the log cannot be read, or no line of it fits
   * @throws IOException if the trace cannot be written
   */
  public static void run(PrintStream out, PrintStream log, String... arguments) throws IOException {
    Map<String, String> given = ReplayOptions.pairs(NAMES, arguments);
    Path from = file(given, "--in");
    Path to = file(given, "--out");
    if (Files.exists(to) && Files.exists(from) && Files.isSameFile(from, to)) {
      throw new ReplayException("--out is the access log itself; name another file");
    }
    String region = given.getOrDefault("--region", "");
    if (region.matches("(?s).*[,\\p{Cntrl}].*")) {
      throw new ReplayException("--region was \"" + region + "\"; expected a name without commas");
    }
    var converter = new AccessLogConverter(region, salt(given.get("--salt")));
    converter.convert(from, to);
    converter.report(from, to, out, log);
  }

  private static Path file(Map<String, String> given, String option) {
    String name = given.get(option);
    if (name == null || name.isEmpty()) {
      throw new ReplayException(option + " is missing; name a file");
    }
    return Path.of(name);
  }

  private static byte[] salt(String given) {
    if (given == null) {
      var drawn = new byte[SALT_BYTES];
      new SecureRandom().nextBytes(drawn);
      return drawn;
    }
    if (given.isEmpty()) {
      throw new ReplayException("--salt is empty; leave it away to have one drawn");
    }
    return given.getBytes(StandardCharsets.UTF_8);
  }

  /** Under another name until it is whole, so that nobody takes a part of it for all. */
  private void convert(Path from, Path to) throws IOException {
    Path part = to.resolveSibling(to.getFileName() + ".part");
    try {
      try (BoundedLines lines = reader(from);
          Writer trace =
              new BufferedWriter(
                  new OutputStreamWriter(
                      new GZIPOutputStream(Files.newOutputStream(part)), BYTES))) {
        trace.write(TraceReader.HEADER + "\n");
        long number = 0;
        for (String text = next(from, lines); text != null; text = next(from, lines)) {
          number++;
          convert(from, number, text, lines.isTooLong(), trace);
        }
      }
      if (rows == 0) {
        throw new ReplayException(nothingFits(from));
      }
      Files.move(part, to, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(part);
    }
  }

  private static BoundedLines reader(Path from) {
    try {
      return new BoundedLines(new InputStreamReader(TraceReader.open(from), BYTES));
    } catch (IOException e) {
      throw unreadable(from, e);
    }
  }

  private static String next(Path from, BoundedLines lines) {
    try {
      return lines.next();
    } catch (IOException e) {
      throw unreadable(from, e);
    }
  }

  private static ReplayException unreadable(Path from, IOException e) {
    return new ReplayException("cannot read access log " + from + ": " + e, e);
  }

  private String nothingFits(Path from) {
    String first = reported.isEmpty() ? "" : "; " + reported.get(0);
    return "access log " + from + " has no line that can be converted" + first;
  }

  private void convert(Path from, long number, String text, boolean tooLong, Writer trace)
      throws IOException {
    String wrong = tooLong ? BoundedLines.TOO_LONG : line.read(text);
    if (wrong != null) {
      broken++;
      if (reported.size() < MAX_REPORTED) {
        String shown = TraceReader.shown(text);
        reported.add(from + " line " + number + ": " + wrong + ": \"" + shown + "\"");
      }
      return;
    }
    String op = op(line.method());
    if (op == null) {
      otherMethods++;
      return;
    }
    String key = Utf8.escaped(line.path()).replace(",", "%2C");
    trace.write(line.atMs() + "," + client(line.address()) + "," + key + "," + op);
    trace.write("," + line.bytes() + "," + region + "\n");
    rows++;
  }

  /** Null if it neither reads nor changes what the path names. */
  private static String op(String method) {
    return switch (method) {
      case "GET", "HEAD" -> "get";
      case "PUT", "POST", "PATCH", "DELETE" -> "put";
      default -> null;
    };
  }

  private String client(String address) {
    byte[] hash = mac.doFinal(address.getBytes(BYTES));
    return HexFormat.of().formatHex(Arrays.copyOf(hash, CLIENT_BYTES));
  }

  private void report(Path from, Path to, PrintStream out, PrintStream log) {
    if (broken > 0) {
      log.println(broken + " broken lines of " + from + " were left out:");
      reported.forEach(each -> log.println("  " + each));
      if (broken > reported.size()) {
        log.println("  and " + (broken - reported.size()) + " more");
      }
    }
    out.println(
        to
            + ": "
            + rows
            + " rows; left out: "
            + broken
            + " broken lines, "
            + otherMethods
            + " with other methods");
  }
}
