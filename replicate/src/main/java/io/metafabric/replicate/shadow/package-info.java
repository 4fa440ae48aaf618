/** Shadows: which regions beside home and backup hold a payload, why, and for how long. */
@NullMarked
package io.metafabric.replicate.shadow;

import org.jspecify.annotations.NullMarked;
