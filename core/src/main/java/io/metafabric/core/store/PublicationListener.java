package io.metafabric.core.store;

import java.util.List;

/**
 * Is told what was published, in journal order, after the index was updated and before the writers
 * are. Called by one thread at a time; must not block.
 */
@FunctionalInterface
public interface PublicationListener {
  void published(List<Published> changes);
}
