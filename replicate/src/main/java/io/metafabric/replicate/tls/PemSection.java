package io.metafabric.replicate.tls;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One section of a PEM file. What is outside of sections is a comment, as RFC 7468 has it; so is a
 * section of which each line begins with another character.
 *
 * @param label what it says that it is
 * @param line in which it begins, from 1
 */
record PemSection(String label, int line, String base64) {
  private static final Pattern BEGIN = Pattern.compile("-----BEGIN ([A-Z0-9 ]+)-----");
  private static final Pattern END = Pattern.compile("-----END ([A-Z0-9 ]+)-----");

  /** Something that begins with dashes and says one of the words was to be the one or the other. */
  private static final Pattern NEARLY = Pattern.compile("(?i)[-\u2010-\u2015]+ *(BEGIN|END)\\b.*");

  private static final Pattern SPACE = Pattern.compile("\\s+");

  /**
   * All of a file.
   *
   * @throws io.metafabric.core.error.ConfigurationException if one does not end, or a line is
   *     nearly one with which a section begins or ends
   */
  static List<PemSection> allIn(NamedFile file, byte[] content) {
    var sections = new ArrayList<PemSection>();
    String[] lines = new String(content, StandardCharsets.UTF_8).split("\\R", -1);
    int at = 0;
    while (at < lines.length) {
      String line = lines[at].strip();
      Matcher begin = BEGIN.matcher(line);
      if (begin.matches()) {
        int end = endOf(file, lines, at, begin.group(1));
        String body = String.join("\n", List.of(lines).subList(at + 1, end));
        sections.add(new PemSection(begin.group(1), at + 1, body));
        at = end;
      } else if (NEARLY.matcher(line).matches()) {
        throw malformed(file, at);
      }
      at++;
    }
    return sections;
  }

  private static int endOf(NamedFile file, String[] lines, int begin, String label) {
    for (int i = begin + 1; i < lines.length; i++) {
      String line = lines[i].strip();
      Matcher end = END.matcher(line);
      if (end.matches() && end.group(1).equals(label)) {
        return i;
      }
      if (NEARLY.matcher(line).matches()) {
        throw malformed(file, i);
      }
    }
    throw file.bad("has a section that begins in line " + (begin + 1) + " and does not end", null);
  }

  private static RuntimeException malformed(NamedFile file, int index) {
    return file.bad(
        "has in line "
            + (index + 1)
            + " what is neither the begin of a section nor the end of the one before it; they are"
            + " -----BEGIN CERTIFICATE----- and -----END CERTIFICATE-----, or the same with another"
            + " label, and a line that is not meant begins with #",
        null);
  }

  /**
   * What it has.
   *
   * @throws IllegalArgumentException if that is not base64
   */
  byte[] decoded() {
    return Base64.getDecoder().decode(SPACE.matcher(base64).replaceAll(""));
  }

  /** It may be of a key. */
  @Override
  public String toString() {
    return label + " in line " + line;
  }
}
