package io.metafabric.core.index;

/**
 * A 64-bit hash of a key's path: one multiplication a character, and the finaliser of splitmix64
 * (Steele, Lea and Flood, 2014; constants by Stafford). Stateless.
 */
public final class KeyHash {
  private static final long MULTIPLIER = 0x9e3779b97f4a7c15L;

  private KeyHash() {}

  /**
   * @param seed drawn at random, so that nobody can choose keys that collide
   */
  public static long of(String path, long seed) {
    long hash = seed;
    for (int i = 0; i < path.length(); i++) {
      hash = (hash ^ path.charAt(i)) * MULTIPLIER;
      hash ^= hash >>> 29;
    }
    hash = (hash ^ (hash >>> 30)) * 0xbf58476d1ce4e5b9L;
    hash = (hash ^ (hash >>> 27)) * 0x94d049bb133111ebL;
    return hash ^ (hash >>> 31);
  }
}
