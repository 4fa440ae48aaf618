package io.metafabric.core.error;

/**
 * The values of this namespace remember what was done to them, and must not be removed, nor expire:
 * who begins anew would repeat what others have seen already. Nothing was stored. Put a cleared
 * value, which remembers.
 */
public final class RemovalRefusedException extends FabricException {
  private static final long serialVersionUID = 1L;

  public RemovalRefusedException(String message) {
    super(message);
  }
}
