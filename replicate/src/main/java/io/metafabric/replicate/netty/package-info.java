/** Moves frames over TCP; the only place that knows Netty. */
@NullMarked
package io.metafabric.replicate.netty;

import org.jspecify.annotations.NullMarked;
