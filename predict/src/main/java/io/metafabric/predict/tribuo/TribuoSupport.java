package io.metafabric.predict.tribuo;

/** Whether Tribuo is there. Loads one class of it, and initialises none. Stateless. */
public final class TribuoSupport {
  /** What to put on the class path. */
  public static final String LIBRARY = "org.tribuo:tribuo-classification-sgd";

  private static final String LIBRARY_CLASS =
      "org.tribuo.classification.sgd.linear.LinearSGDTrainer";

  private TribuoSupport() {}

  /** Whether {@link TribuoTrainer} can be made here. */
  public static boolean isPresent() {
    try {
      Class.forName(LIBRARY_CLASS, false, TribuoSupport.class.getClassLoader());
      return true;
    } catch (ClassNotFoundException | LinkageError e) {
      return false;
    }
  }
}
