package io.metafabric.core.wire;

/** What is asked about the shadows of a key. The codes are part of the protocol. */
public enum ShadowVerb {
  /** Of home or backup: that so many regions hold the payload. */
  MAKE(1),
  /** Of home or backup: may the asking region have a shadow, or keep the one that it has? */
  CLAIM(2),
  /** Of home or backup: can the payload be read there, so that the asking region may drop its? */
  END(3),
  /** That a shadow is dropped, if nothing is lost by it. */
  DROP(4),
  /** What the asked region's shadow is like. */
  TELL(5);

  private final int code;

  ShadowVerb(int code) {
    this.code = code;
  }

  public int code() {
    return code;
  }
}
