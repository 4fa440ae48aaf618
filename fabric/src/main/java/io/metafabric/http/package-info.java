/** Answers HTTP; off unless configured, and the only place that knows Jackson. */
@NullMarked
package io.metafabric.http;

import org.jspecify.annotations.NullMarked;
