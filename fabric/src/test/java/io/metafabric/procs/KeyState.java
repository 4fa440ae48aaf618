package io.metafabric.procs;

import io.metafabric.Explanation;
import io.metafabric.MetadataFabric;
import io.metafabric.Versioned;
import io.metafabric.core.error.RegionUnreachableException;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * All that a region knows and shows of a key. As a line it is the same for the same state.
 *
 * @param version null if nothing is known
 * @param header what else the header says
 * @param value the attempt that wrote the value that a read gives; {@link #NONE}, or why it cannot
 *     be read
 */
record KeyState(String key, @Nullable Version version, String header, String value) {
  /** From so many openings on a context need not name all that were before it. */
  static final int OPENINGS_NAMED = 8;

  static final String NONE = "none";
  static final String UNREACHABLE = "unreachable";

  static KeyState of(MetadataFabric fabric, String key) {
    Explanation known = fabric.explain(key);
    String header =
        (known.deleted() ? "deleted" : "written")
            + ","
            + known.writtenIn().orElse("nowhere")
            + ","
            + known.payloadBytes();
    return new KeyState(key, known.version().orElse(null), header, read(fabric, key));
  }

  private static String read(MetadataFabric fabric, String key) {
    Optional<Versioned> value;
    try {
      value = fabric.get(key);
    } catch (RegionUnreachableException e) {
      return UNREACHABLE;
    }
    return value
        .map(
            got ->
                Values.idOf(got.bytes(), key)
                    + "/"
                    + text(got.version().dot())
                    + "/"
                    + got.expiresAt().map(at -> "" + at.toEpochMilli()).orElse("never"))
        .orElse(NONE);
  }

  /** Empty if a read gives none. */
  Optional<WriteId> valueId() {
    return value.equals(NONE) || value.equals(UNREACHABLE)
        ? Optional.empty()
        : Optional.of(WriteId.parse(value.substring(0, value.indexOf('/'))));
  }

  /** A value that is shown now, and hidden within the hour. */
  boolean isBrief() {
    String expiresAtMs = value.substring(value.lastIndexOf('/') + 1);
    return expiresAtMs.matches("\\d+")
        && Long.parseLong(expiresAtMs) < System.currentTimeMillis() + 3_600_000;
  }

  /**
   * What must be the same in all regions after hours too: what is dead may be forgotten in one and
   * not yet in another, and whoever has forgotten it has less in the context of what comes then.
   */
  String lasting() {
    return value.equals(NONE) || version == null ? key + " " + value : withoutContext().toString();
  }

  /** What must be the same where contexts leave out openings that are over. */
  KeyState withoutContext() {
    return version == null
        ? this
        : new KeyState(key, version.withContext(VersionVector.EMPTY), header, value);
  }

  static KeyState parse(String line) {
    String[] part = line.split(" ", -1);
    return new KeyState(
        part[0], part[1].equals("unknown") ? null : version(part[1]), part[2], part[3]);
  }

  @Override
  public String toString() {
    return key + " " + (version == null ? "unknown" : text(version)) + " " + header + " " + value;
  }

  /** A version in one word. */
  static String text(Version version) {
    var text = new StringBuilder(text(version.dot()));
    text.append('@').append(version.stamp().packed()).append('|');
    version
        .context()
        .forEach((actor, counter) -> text.append(text(new Dot(actor, counter))).append(','));
    return text.toString();
  }

  private static String text(Dot dot) {
    return dot.toString();
  }

  static Version version(String text) {
    int at = text.indexOf('@');
    int bar = text.indexOf('|');
    var context = new TreeMap<ActorId, Long>();
    for (String each : text.substring(bar + 1).split(",")) {
      if (!each.isEmpty()) {
        Dot dot = dot(each);
        context.put(dot.actor(), dot.counter());
      }
    }
    return new Version(
        dot(text.substring(0, at)),
        VersionVector.of(context),
        new Stamp(Long.parseLong(text.substring(at + 1, bar))));
  }

  private static Dot dot(String text) {
    String[] part = text.split(":", 2);
    return new Dot(new ActorId(Long.parseUnsignedLong(part[0], 16)), Long.parseLong(part[1]));
  }
}
