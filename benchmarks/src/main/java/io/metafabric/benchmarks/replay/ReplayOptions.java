package io.metafabric.benchmarks.replay;

import io.metafabric.predict.Source;
import io.metafabric.replicate.arm.Prices;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/** What a replay was asked for on the command line. Immutable. */
public record ReplayOptions(
    List<Path> traces,
    List<Double> capacityPercents,
    List<String> policies,
    List<Integer> latenciesMs,
    int regions,
    PutMode puts,
    TraceReader.BrokenRows brokenRows,
    long seed,
    OptionalInt chargeMemory,
    List<String> prices,
    List<Double> savedMs,
    Optional<Path> json,
    Optional<Path> chart) {
  public static final String USAGE =
      """
      java -cp benchmarks/target/benchmarks.jar io.metafabric.benchmarks.Replay
        --trace FILE[,FILE...]           gzip or plain CSV: timestamp_ms,client,key,op,size,region
        --capacity-percent 1,5,10        of the trace's keys; default 5
        --policy NAME[,NAME...]          of %s; default fabric,caffeine,lru
                                         fabric:SOURCE[+SOURCE...] predicts with these sources: %s
        --latency-ms 0,50                of a fetch; default 0
        --regions 1|3                    default 1
        --puts access|write|read-then-write   default access
        --broken-rows skip|refuse        default refuse
        --seed N                         default 1
        --charge-memory VALUE_BYTES      policies that do not predict get the memory of the
                                         fabric before them, in entries with such values
        --prices NAME|FILE[,NAME|FILE...]  compares in dollars, over three regions: of %s,
                                         or a file of prices; --policy is then of
                                         %s; default all
        --saved-ms 0.0001,0.01,1         with --prices: what a millisecond is worth that nobody
                                         waits, in micro-dollars; default is the file's
        --json OUT                       where to write the results
        --chart FILE.svg|FILE.png        where to draw the misses, by trace and policy; a file
                                         for each capacity and latency if there are several; with
                                         --prices the dollars against the waiting, by trace
      """
          .formatted(
              String.join(",", Policies.NAMES),
              String.join(",", Arrays.stream(Source.values()).map(Source::id).toList()),
              String.join(",", PriceFile.SHIPPED),
              String.join(",", CostPolicies.NAMES));

  private static final Set<String> NAMES =
      Set.of(
          "--trace",
          "--capacity-percent",
          "--policy",
          "--latency-ms",
          "--regions",
          "--puts",
          "--broken-rows",
          "--seed",
          "--charge-memory",
          "--prices",
          "--saved-ms",
          "--json",
          "--chart");

  private static final int MAX_LATENCY_MS = 60_000;
  private static final int MAX_VALUE_BYTES = 1 << 20;

  /**
   * @throws ReplayException if an option is unknown, given twice, without a value, or has one that
   *     makes no sense
   */
  public static ReplayOptions parse(String... arguments) {
    Map<String, String> given = pairs(NAMES, arguments);
    if (!given.containsKey("--trace")) {
      throw new ReplayException("--trace is missing; name at least one file");
    }
    boolean priced = given.containsKey("--prices");
    requireFitting(given, priced);
    List<String> policies = priced ? pricedPolicies(given) : policies(given);
    return new ReplayOptions(
        list(given.get("--trace")).stream().map(Path::of).toList(),
        list(given.getOrDefault("--capacity-percent", "5")).stream()
            .map(ReplayOptions::percent)
            .toList(),
        policies,
        list(given.getOrDefault("--latency-ms", "0")).stream()
            .map(each -> (int) number("--latency-ms", each, 0, MAX_LATENCY_MS))
            .toList(),
        regions(given.getOrDefault("--regions", priced ? "3" : "1")),
        oneOf(PutMode.class, "--puts", given.getOrDefault("--puts", "access")),
        oneOf(
            TraceReader.BrokenRows.class,
            "--broken-rows",
            given.getOrDefault("--broken-rows", "refuse")),
        number("--seed", given.getOrDefault("--seed", "1"), Long.MIN_VALUE, Long.MAX_VALUE),
        chargeMemory(given.get("--charge-memory"), policies),
        priced ? list(given.get("--prices")) : List.of(),
        given.containsKey("--saved-ms")
            ? list(given.get("--saved-ms")).stream().map(ReplayOptions::savedMs).toList()
            : List.of(),
        Optional.ofNullable(given.get("--json")).map(Path::of),
        Optional.ofNullable(given.get("--chart")).map(ReplayOptions::chart));
  }

  /**
   * Fails unless what is asked for can be written where it is to be: a run may take an hour.
   *
   * @throws ReplayException if it cannot
   */
  void requireWritable() {
    json.ifPresent(file -> requireWritable("--json", file));
    chart.ifPresent(file -> requireWritable("--chart", file));
  }

  private static void requireWritable(String option, Path file) {
    Path directory = file.toAbsolutePath().getParent();
    if (directory == null || !Files.isDirectory(directory)) {
      throw new ReplayException(
          option + " was \"" + file + "\", but there is no directory " + directory + "; make it");
    }
    if (Files.isDirectory(file)) {
      throw new ReplayException(option + " was \"" + file + "\", a directory; name a file");
    }
    if (!Files.isWritable(Files.exists(file) ? file : directory)) {
      throw new ReplayException(option + " was \"" + file + "\", which may not be written");
    }
  }

  private static List<String> policies(Map<String, String> given) {
    List<String> policies = list(given.getOrDefault("--policy", "fabric,caffeine,lru"));
    for (String policy : policies) {
      if (!Policies.NAMES.contains(policy) && policy.indexOf(':') < 0) {
        throw wrong("--policy", policy, "one or more of " + String.join(",", Policies.NAMES));
      }
      Policies.require(policy);
    }
    return policies;
  }

  private static List<String> pricedPolicies(Map<String, String> given) {
    String all = String.join(",", CostPolicies.NAMES);
    List<String> policies = list(given.getOrDefault("--policy", all));
    for (String policy : policies) {
      if (!CostPolicies.NAMES.contains(policy)) {
        throw wrong("--policy", policy, "with --prices one or more of " + all);
      }
    }
    return policies;
  }

  private static void requireFitting(Map<String, String> given, boolean priced) {
    if (!priced && given.containsKey("--saved-ms")) {
      throw new ReplayException("--saved-ms needs --prices");
    }
    for (String name : List.of("--latency-ms", "--charge-memory")) {
      if (priced && given.containsKey(name)) {
        throw new ReplayException(name + " does not go with --prices");
      }
    }
    if (priced && given.getOrDefault("--regions", "3").equals("1")) {
      throw new ReplayException("--regions 1 does not go with --prices, which are of 3");
    }
  }

  private static double savedMs(String text) {
    try {
      double microDollars = Double.parseDouble(text);
      if (microDollars >= 0 && microDollars <= Prices.MAX_PER_MS) {
        return microDollars;
      }
    } catch (NumberFormatException e) {
      // Told below.
    }
    throw wrong("--saved-ms", text, "numbers from 0 to " + Results.plain(Prices.MAX_PER_MS));
  }

  private static OptionalInt chargeMemory(String text, List<String> policies) {
    if (text == null) {
      return OptionalInt.empty();
    }
    if (!Policies.isPredictingFabric(policies.get(0))) {
      throw new ReplayException(
          "--charge-memory needs a fabric that predicts as the first of --policy, for the others"
              + " get its memory; the first was \""
              + policies.get(0)
              + "\"");
    }
    return OptionalInt.of((int) number("--charge-memory", text, 0, MAX_VALUE_BYTES));
  }

  private static Path chart(String text) {
    if (!text.endsWith(MissChart.SVG) && !text.endsWith(MissChart.PNG)) {
      throw wrong("--chart", text, "a file name that ends with .svg or .png");
    }
    return Path.of(text);
  }

  /** Names and their values; the values are not looked at. */
  static Map<String, String> pairs(Set<String> names, String... arguments) {
    var given = new LinkedHashMap<String, String>();
    for (int i = 0; i < arguments.length; i += 2) {
      String name = arguments[i];
      if (!names.contains(name)) {
        throw new ReplayException("unknown option \"" + name + "\"");
      }
      if (i + 1 == arguments.length) {
        throw new ReplayException(name + " has no value");
      }
      if (given.put(name, arguments[i + 1]) != null) {
        throw new ReplayException(name + " is given twice; separate values by commas");
      }
    }
    return given;
  }

  private static List<String> list(String text) {
    var parts = new ArrayList<String>();
    for (String part : text.split(",", -1)) {
      if (part.isBlank()) {
        throw new ReplayException("\"" + text + "\" has an empty part; remove a comma");
      }
      parts.add(part.strip());
    }
    return List.copyOf(parts);
  }

  private static double percent(String text) {
    try {
      double percent = Double.parseDouble(text);
      if (percent > 0 && percent <= 100) {
        return percent;
      }
    } catch (NumberFormatException e) {
      // Told below.
    }
    throw wrong("--capacity-percent", text, "numbers above 0 and up to 100");
  }

  private static long number(String option, String text, long least, long most) {
    try {
      long number = Long.parseLong(text);
      if (number >= least && number <= most) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Told below.
    }
    throw wrong(option, text, "a whole number from " + least + " to " + most);
  }

  private static int regions(String text) {
    if (text.equals("1") || text.equals("3")) {
      return Integer.parseInt(text);
    }
    throw wrong("--regions", text, "1 or 3");
  }

  private static <E extends Enum<E>> E oneOf(Class<E> type, String option, String text) {
    List<String> names = Arrays.stream(type.getEnumConstants()).map(ReplayOptions::name).toList();
    int index = names.indexOf(text);
    if (index < 0) {
      throw wrong(option, text, "one of " + String.join(", ", names));
    }
    return type.getEnumConstants()[index];
  }

  private static String name(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private static ReplayException wrong(String option, String value, String expected) {
    return new ReplayException(option + " was \"" + value + "\"; expected " + expected);
  }
}
