package io.metafabric.predict;

import java.util.ArrayList;
import java.util.List;

/** Numbers the first {@value #MAX} namespaces that come by. Not thread-safe. */
final class Namespaces {
  static final int MAX = 64;

  private final List<String> names = new ArrayList<>();

  /** From 0; {@value #MAX} for all that have no number of their own. */
  int numberOf(String path) {
    for (int i = 0; i < names.size(); i++) {
      String name = names.get(i);
      if (path.length() > name.length()
          && path.charAt(name.length()) == '/'
          && path.startsWith(name)) {
        return i;
      }
    }
    if (names.size() == MAX) {
      return MAX;
    }
    int slash = path.indexOf('/');
    names.add(slash < 0 ? path : path.substring(0, slash));
    return names.size() - 1;
  }

  int count() {
    return names.size();
  }

  String name(int number) {
    return number == MAX ? PredictionScore.OTHERS : names.get(number);
  }
}
