package io.metafabric.benchmarks.replay;

import java.time.OffsetDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Takes a line of an access log apart: {@code address ident user [time] "request" status bytes} and
 * whatever follows, which is the common log format, and the combined one of Apache and nginx. Each
 * may have {@code host:port} in front, as Debian's {@code other_vhosts_access.log} has. One object
 * for all lines, one line at a time; not thread-safe.
 */
final class AccessLogLine {
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("dd/MMM/yyyy:HH:mm:ss Z", Locale.ENGLISH);

  /** No address is like it: of those with colons, IPv6 has more than one, and no brackets. */
  private static final Pattern HOST_AND_PORT = Pattern.compile("([^:\\[\\]]+|\\[[^]]*]):\\d{1,5}");

  private static final int STATUS_DIGITS = 3;

  private String timeText = "";
  private long atMs;
  private String address = "";

  /** Empty if the line names none. */
  private String host = "";

  private String method = "";
  private String path = "";
  private int bytes;

  /** Takes a line in; what is wrong with it, or null. */
  String read(String line) {
    int addressEnd = line.indexOf(' ');
    int timeStart = line.indexOf(" [");
    if (addressEnd <= 0 || timeStart <= addressEnd) {
      return "no address, ident and user in front of a time in brackets";
    }
    int timeEnd = line.indexOf("] \"", timeStart);
    if (timeEnd < 0) {
      return "no request in quotes behind a time in brackets";
    }
    readAddress(line.substring(0, timeStart));
    int requestStart = timeEnd + 3;
    int requestEnd = closingQuote(line, requestStart);
    if (requestEnd < 0) {
      return "the request's quotes are not closed";
    }
    if (!readTime(line.substring(timeStart + 2, timeEnd))) {
      return "the time is not like 10/Oct/2000:13:55:36 -0700";
    }
    if (!readStatusAndBytes(line.substring(requestEnd + 1))) {
      return "no status and number of bytes behind the request";
    }
    return readRequest(line.substring(requestStart, requestEnd))
        ? null
        : "the request is not like GET /path HTTP/1.1";
  }

  private void readAddress(String text) {
    String[] words = text.split(" ", 4);
    Matcher first = HOST_AND_PORT.matcher(words[0]);
    // Behind a client's address and port would be its ident, of which there is none nowadays.
    boolean hasHost = words.length == 4 && !words[1].equals("-") && first.matches();
    host = hasHost ? first.group(1) : "";
    address = words[hasHost ? 1 : 0];
  }

  private static int closingQuote(String line, int from) {
    for (int i = from; i < line.length(); i++) {
      char c = line.charAt(i);
      if (c == '"') {
        return i;
      }
      if (c == '\\') {
        i++;
      }
    }
    return -1;
  }

  /** Many lines in a row have the same. */
  private boolean readTime(String text) {
    if (text.equals(timeText)) {
      return true;
    }
    try {
      atMs = OffsetDateTime.parse(text, TIME).toInstant().toEpochMilli();
      timeText = text;
      return true;
    } catch (DateTimeParseException e) {
      return false;
    }
  }

  private boolean readStatusAndBytes(String text) {
    String[] parts = text.split(" ", 4);
    if (parts.length < 3
        || !parts[0].isEmpty()
        || parts[1].length() != STATUS_DIGITS
        || !isDigits(parts[1])) {
      return false;
    }
    if (parts[2].equals("-")) {
      bytes = 0;
      return true;
    }
    if (!isDigits(parts[2])) {
      return false;
    }
    // More than an int has digits for is more than a record can have, and no less a response.
    bytes =
        parts[2].length() > 18
            ? Integer.MAX_VALUE
            : (int) Math.min(Integer.MAX_VALUE, Long.parseLong(parts[2]));
    return true;
  }

  private static boolean isDigits(String text) {
    return !text.isEmpty() && text.chars().allMatch(c -> c >= '0' && c <= '9');
  }

  private boolean readRequest(String text) {
    int methodEnd = text.indexOf(' ');
    if (methodEnd <= 0) {
      return false;
    }
    method = text.substring(0, methodEnd);
    int protocol = text.lastIndexOf(" HTTP/");
    String target =
        protocol > methodEnd
            ? text.substring(methodEnd + 1, protocol)
            : text.substring(methodEnd + 1);
    int query = target.indexOf('?');
    String asked = query < 0 ? target : target.substring(0, query);
    path = host + asked;
    return !asked.isEmpty() && method.chars().allMatch(c -> c >= 'A' && c <= 'Z');
  }

  String address() {
    return address;
  }

  /** Epoch milliseconds. */
  long atMs() {
    return atMs;
  }

  String method() {
    return method;
  }

  /** What was asked for, behind the host if the line names it, and without a query; not empty. */
  String path() {
    return path;
  }

  /** Of the response; 0 if it had none. */
  int bytes() {
    return bytes;
  }
}
