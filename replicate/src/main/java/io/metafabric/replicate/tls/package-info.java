/** Who peers are: certificates, keys, and whom they make trusted; on the JDK's TLS. */
@NullMarked
package io.metafabric.replicate.tls;

import org.jspecify.annotations.NullMarked;
