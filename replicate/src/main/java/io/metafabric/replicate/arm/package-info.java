/** Decides which copies pay, in micro-dollars. Pure: makes no copies and knows no peers. */
@NullMarked
package io.metafabric.replicate.arm;

import org.jspecify.annotations.NullMarked;
