/** What is believed about reads to come. Moves no bytes and decides nothing: it only predicts. */
@NullMarked
package io.metafabric.predict;

import org.jspecify.annotations.NullMarked;
