package io.metafabric.predict;

import java.util.ArrayList;
import java.util.List;

/** What somebody would send who wants tables to be slow: texts with one {@code hashCode}. */
final class OneHash {
  private OneHash() {}

  /** So many texts of one length and one hash: "Aa" and "BB" have the same. */
  static List<String> texts(int count) {
    var texts = new ArrayList<String>(count);
    for (int i = 0; i < count; i++) {
      var text = new StringBuilder();
      for (int bit = 1; bit < count; bit <<= 1) {
        text.append((i & bit) == 0 ? "Aa" : "BB");
      }
      texts.add(text.toString());
    }
    return texts;
  }

  /** A text with this hash. */
  static String textOf(int hash) {
    int seven = 0;
    for (int i = 0; i < 7; i++) {
      seven = 31 * seven + 'A';
    }
    long left = Integer.toUnsignedLong(hash - seven);
    var text = new StringBuilder();
    for (int i = 0; i < 7; i++) {
      text.append((char) ('A' + left % 31));
      left /= 31;
    }
    return text.reverse().toString();
  }
}
