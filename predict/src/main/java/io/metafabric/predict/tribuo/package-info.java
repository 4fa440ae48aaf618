/** Ranking models by Tribuo. */
@org.jspecify.annotations.NullMarked
package io.metafabric.predict.tribuo;
