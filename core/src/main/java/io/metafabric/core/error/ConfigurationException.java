package io.metafabric.core.error;

import org.jspecify.annotations.Nullable;

/** The configuration cannot work. Remedy: change what the message names. */
public class ConfigurationException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  public ConfigurationException(String message) {
    super(message);
  }

  public ConfigurationException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
