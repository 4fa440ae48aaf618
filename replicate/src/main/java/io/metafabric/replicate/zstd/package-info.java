/** Compression of what goes between regions, on zstd-jni. */
@NullMarked
package io.metafabric.replicate.zstd;

import org.jspecify.annotations.NullMarked;
