package io.metafabric.procs;

/**
 * The name of one attempt to write, whatever becomes of it.
 *
 * @param life which process of all
 */
record WriteId(int life, long sequence) {
  static WriteId parse(String text) {
    String[] part = text.split("\\.", -1);
    return new WriteId(Integer.parseInt(part[0]), Long.parseLong(part[1]));
  }

  @Override
  public String toString() {
    return life + "." + sequence;
  }
}
