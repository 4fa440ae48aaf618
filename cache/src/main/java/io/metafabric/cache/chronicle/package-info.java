/**
 * Chronicle Map as a disposable tier of payloads in front of the journal; the only package that
 * imports it. Whoever names {@code ChronicleTier} asks {@code ChronicleSupport} first, so that a
 * host need not have the library.
 */
@NullMarked
package io.metafabric.cache.chronicle;

import org.jspecify.annotations.NullMarked;
