package io.metafabric.simulation;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.version.Dot;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** All writes that were ever tried, and what each dot was seen to name. */
final class Ledger {
  private final List<Write> writes = new ArrayList<>();
  private final Map<Dot, Header> named = new HashMap<>();

  /** Values are all different: each begins with its number. */
  Write begin(Key key, int payloadBytes, long expiresAtMs) {
    int number = writes.size();
    Bytes payload = null;
    if (payloadBytes > 0) {
      var text = new StringBuilder().append(number).append(' ').append(key).append(' ');
      while (text.length() < payloadBytes) {
        text.append((char) ('a' + text.length() % 26));
      }
      payload = Bytes.utf8(text.toString());
    }
    var write = new Write(number, key, payload, expiresAtMs, 0);
    writes.add(write);
    return write;
  }

  /** Of a counter. */
  Write add(Key key, Bytes payload, int amount) {
    var write = new Write(writes.size(), key, payload, Header.NEVER, amount);
    writes.add(write);
    return write;
  }

  List<Write> writes() {
    return writes;
  }

  /** The write that made this value; null if none did. */
  @Nullable Write writeOf(MetadataRecord record) {
    Bytes payload = record.payload();
    if (payload == null) {
      return null;
    }
    String text = payload.toUtf8();
    int space = text.indexOf(' ');
    if (space < 1 || !text.chars().limit(space).allMatch(Character::isDigit)) {
      return null;
    }
    int number = Integer.parseInt(text.substring(0, space));
    if (number >= writes.size()) {
      return null;
    }
    Write write = writes.get(number);
    return write.key.equals(record.key()) && payload.equals(write.payload) ? write : null;
  }

  /** What is wrong with a header that was seen; null if nothing is. */
  @Nullable String problemOf(Key key, Header header) {
    Header before = named.putIfAbsent(header.version().dot(), header);
    boolean same =
        before == null
            || (before.kind() == header.kind()
                && before.payloadCrc32c() == header.payloadCrc32c()
                && before.expiresAtMs() == header.expiresAtMs()
                && before.writtenIn().equals(header.writtenIn())
                && before.version().stamp().equals(header.version().stamp()));
    return same ? null : "one dot names two writes of " + key + ": " + before + " and " + header;
  }
}
