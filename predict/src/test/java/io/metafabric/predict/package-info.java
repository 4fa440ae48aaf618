@NullMarked
package io.metafabric.predict;

import org.jspecify.annotations.NullMarked;
