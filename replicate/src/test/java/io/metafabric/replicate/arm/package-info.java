@NullMarked
package io.metafabric.replicate.arm;

import org.jspecify.annotations.NullMarked;
