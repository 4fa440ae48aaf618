package io.metafabric.benchmarks.replay;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.record.RegionName;
import io.metafabric.replicate.arm.Prices;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;

/**
 * Reads a {@link PriceSheet}: lines of {@code what [REGION [REGION]] = value}, empty ones, and
 * those that begin with {@code #}. All values are there once, {@code regions} first; {@code
 * request-per-million} may be left out. What is wrong is told with its line.
 *
 * <pre>
 * regions = us-east-1, eu-west-1, ap-northeast-1      the Americas, Europe and Africa, Asia and Pacific
 * latency-ms us-east-1 eu-west-1 = 80.5               there and back; of each two regions
 * transfer-per-gb us-east-1 eu-west-1 = 0.02          dollars; out of the first into the second
 * storage-per-gb-month us-east-1 = 0.08               dollars; of each region
 * request-per-million = 0                             dollars, of asking another region
 * saved-ms-micro-dollars = 0.01                       what a millisecond not waited is worth
 * </pre>
 */
final class PriceFile {
  /** The sets that come with this program. */
  static final List<String> SHIPPED = List.of("aws", "gcp", "azure");

  private static final int REGIONS = 3;
  private static final int MAX_BYTES = 1 << 16;
  private static final double MAX_MS = 60_000;

  /** A thousand dollars a GB; what {@link Prices} would take. */
  private static final double MAX_TRANSFER = 1_000;

  private static final double MAX_STORAGE = 730;
  private static final double MAX_REQUEST = 1e6;
  private static final double UNKNOWN = -1;

  private final String name;
  private final List<RegionName> regions = new ArrayList<>();
  private final double[][] rttMs = unknown();
  private final double[][] transfer = unknown();
  private final double[] storage = unknown()[0];
  private double request = UNKNOWN;
  private double savedMs = UNKNOWN;
  private int line;

  private PriceFile(String name) {
    this.name = name;
  }

  private static double[][] unknown() {
    var matrix = new double[REGIONS][REGIONS];
    for (double[] row : matrix) {
      Arrays.fill(row, UNKNOWN);
    }
    return matrix;
  }

  /**
   * @param nameOrFile one of {@link #SHIPPED}, or a file
   * @throws ReplayException if it cannot be read, or something in it is missing or absurd
   */
  static PriceSheet read(String nameOrFile) {
    try {
      return new PriceFile(nameOrFile).parse(text(nameOrFile));
    } catch (IOException e) {
      throw new ReplayException(
          "cannot read prices "
              + nameOrFile
              + ", which is neither one of "
              + String.join(", ", SHIPPED)
              + " nor a file that can be read: "
              + e,
          e);
    }
  }

  private static String text(String nameOrFile) throws IOException {
    try (InputStream in =
        SHIPPED.contains(nameOrFile)
            ? PriceFile.class.getResourceAsStream("/prices/" + nameOrFile + ".prices")
            : Files.newInputStream(Path.of(nameOrFile))) {
      byte[] bytes = in.readNBytes(MAX_BYTES + 1);
      if (bytes.length > MAX_BYTES) {
        throw new ReplayException(
            "prices " + nameOrFile + " are longer than " + MAX_BYTES + " bytes");
      }
      return new String(bytes, StandardCharsets.UTF_8);
    }
  }

  private PriceSheet parse(String text) {
    for (String each : text.split("\n", -1)) {
      line++;
      String stripped = each.strip();
      if (!stripped.isEmpty() && !stripped.startsWith("#")) {
        take(stripped);
      }
    }
    requireAll();
    return new PriceSheet(
        name, regions, rttMs, transfer, storage, request == UNKNOWN ? 0 : request, savedMs);
  }

  private void take(String text) {
    int equals = text.indexOf('=');
    if (equals < 0) {
      throw wrong("\"" + TraceReader.shown(text) + "\" has no \"=\"");
    }
    String[] what = text.substring(0, equals).strip().split("\\s+", -1);
    String value = text.substring(equals + 1).strip();
    switch (what[0]) {
      case "regions" -> takeRegions(words(what, 1), value);
      case "latency-ms" -> {
        int a = region(words(what, 3), 1);
        int b = otherRegion(what, a);
        double ms = number(what, value, MAX_MS);
        once(what, rttMs[a], b, ms);
        rttMs[b][a] = ms;
      }
      case "transfer-per-gb" -> {
        int from = region(words(what, 3), 1);
        int to = otherRegion(what, from);
        once(what, transfer[from], to, number(what, value, MAX_TRANSFER));
      }
      case "storage-per-gb-month" ->
          once(what, storage, region(words(what, 2), 1), number(what, value, MAX_STORAGE));
      case "request-per-million" -> {
        double given = number(words(what, 1), value, MAX_REQUEST);
        request = once(what, request, given);
      }
      case "saved-ms-micro-dollars" -> {
        double given = number(words(what, 1), value, Prices.MAX_PER_MS);
        savedMs = once(what, savedMs, given);
      }
      default ->
          throw wrong(
              "unknown \""
                  + TraceReader.shown(what[0])
                  + "\"; expected regions, latency-ms, transfer-per-gb, storage-per-gb-month,"
                  + " request-per-million or saved-ms-micro-dollars");
    }
  }

  private String[] words(String[] what, int count) {
    if (what.length != count) {
      throw wrong(
          what[0] + " is followed by " + (what.length - 1) + " regions, not " + (count - 1));
    }
    return what;
  }

  private void takeRegions(String[] what, String value) {
    if (!regions.isEmpty()) {
      throw wrong(what[0] + " are given twice");
    }
    try {
      for (String each : value.split(",", -1)) {
        regions.add(new RegionName(each.strip()));
      }
    } catch (ConfigurationException e) {
      throw wrong(e.getMessage());
    }
    if (regions.size() != REGIONS || new HashSet<>(regions).size() != REGIONS) {
      throw wrong("regions must be " + REGIONS + " different ones, were " + regions);
    }
  }

  private int region(String[] what, int place) {
    for (int i = 0; i < regions.size(); i++) {
      if (regions.get(i).name().equals(what[place])) {
        return i;
      }
    }
    throw wrong(
        what[0]
            + " of \""
            + TraceReader.shown(what[place])
            + "\", but the regions given before are "
            + regions);
  }

  private int otherRegion(String[] what, int first) {
    int other = region(what, 2);
    if (other == first) {
      throw wrong(what[0] + " needs two regions, but both are " + what[1]);
    }
    return other;
  }

  private double number(String[] what, String text, double most) {
    try {
      double number = Double.parseDouble(text);
      if (number >= 0 && number <= most) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Told below.
    }
    throw wrong(
        String.format(
            Locale.ROOT,
            "%s was \"%s\"; expected a number from 0 to %s",
            String.join(" ", what),
            TraceReader.shown(text),
            Results.plain(most)));
  }

  private double once(String[] what, double before, double given) {
    if (before != UNKNOWN) {
      throw wrong(String.join(" ", what) + " is given twice");
    }
    return given;
  }

  private void once(String[] what, double[] row, int place, double given) {
    row[place] = once(what, row[place], given);
  }

  private void requireAll() {
    if (regions.isEmpty()) {
      throw missing("regions");
    }
    for (int a = 0; a < REGIONS; a++) {
      if (storage[a] == UNKNOWN) {
        throw missing("storage-per-gb-month " + regions.get(a));
      }
      for (int b = 0; b < REGIONS; b++) {
        String pair = regions.get(a) + " " + regions.get(b);
        if (a != b && rttMs[a][b] == UNKNOWN) {
          throw missing("latency-ms " + pair);
        }
        if (a != b && transfer[a][b] == UNKNOWN) {
          throw missing("transfer-per-gb " + pair);
        }
      }
    }
    if (savedMs == UNKNOWN) {
      throw missing("saved-ms-micro-dollars");
    }
  }

  private ReplayException missing(String what) {
    return new ReplayException("prices " + name + ": " + what + " is missing");
  }

  private ReplayException wrong(String what) {
    return new ReplayException("prices " + name + " line " + line + ": " + what);
  }
}
