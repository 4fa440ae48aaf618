package io.metafabric.museum;

import java.io.IOException;
import java.io.InputStream;
import java.util.Map;

/**
 * The classes of the project once more, some of them changed; those of third parties are shared. So
 * nothing static is shared with other exhibits.
 */
final class BuggyClasses extends ClassLoader {
  private static final String OURS = "io.metafabric.";

  private final Map<String, byte[]> changed;

  /**
   * @param changed compiled classes by their name
   */
  BuggyClasses(Map<String, byte[]> changed) {
    super("museum", BuggyClasses.class.getClassLoader());
    this.changed = changed;
  }

  @Override
  protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
    if (!name.startsWith(OURS)) {
      return super.loadClass(name, resolve);
    }
    synchronized (getClassLoadingLock(name)) {
      Class<?> loaded = findLoadedClass(name);
      return loaded == null ? define(name) : loaded;
    }
  }

  private Class<?> define(String name) throws ClassNotFoundException {
    byte[] bytes = changed.get(name);
    if (bytes == null) {
      try (InputStream in = getResourceAsStream(name.replace('.', '/') + ".class")) {
        if (in == null) {
          throw new ClassNotFoundException(name);
        }
        bytes = in.readAllBytes();
      } catch (IOException e) {
        throw new ClassNotFoundException(name, e);
      }
    }
    return defineClass(name, bytes, 0, bytes.length);
  }
}
