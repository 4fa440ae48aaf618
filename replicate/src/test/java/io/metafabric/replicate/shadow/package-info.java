@NullMarked
package io.metafabric.replicate.shadow;

import org.jspecify.annotations.NullMarked;
