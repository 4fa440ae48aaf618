package io.metafabric.replicate.arm;

/**
 * Where it is noted what was spent, so that another opening goes on from there. Noted is what may
 * be spent before it is noted again: whatever ends this opening, no more was. Called by one thread
 * at a time, which waits for nothing.
 */
public interface SpentNotes {
  /** Nothing is kept. */
  SpentNotes NONE =
      new SpentNotes() {
        @Override
        public SpentDollars before() {
          return SpentDollars.NOTHING;
        }

        @Override
        public boolean note(SpentDollars spent) {
          return true;
        }
      };

  /** What openings before this one have noted, as of now. */
  SpentDollars before();

  /** False if it cannot be noted: then it must not be spent. */
  boolean note(SpentDollars spent);
}
