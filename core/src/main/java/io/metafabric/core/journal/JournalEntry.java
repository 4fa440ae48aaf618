package io.metafabric.core.journal;

import io.metafabric.core.place.Configuration;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Everything a journal can hold; docs/FORMAT.md has the bytes. Immutable. */
public sealed interface JournalEntry {
  /**
   * The directory was opened, and from here on {@code actor} issues its versions.
   *
   * @param nodeId identity of the directory, drawn when it was first opened
   */
  record Opened(ActorId actor, long nodeId, String cluster, RegionName region)
      implements JournalEntry {}

  /**
   * A key's new state. Without a payload, a payload of the same dot that was held before stays
   * held, and so does that of {@code since}.
   *
   * @param since of a value whose payload is not in this frame: the newest write of the key, this
   *     one included, whose payload has been held here or that was a remove. Nothing older is shown
   *     in place of the payload. Null if there is none, and for all other records
   */
  record Stored(MetadataRecord record, @Nullable Dot since) implements JournalEntry {
    public Stored {
      if (since != null && (record.payload() != null || record.header().isTombstone())) {
        throw new IllegalArgumentException("nothing is shown in place of " + record);
      }
    }

    public Stored(MetadataRecord record) {
      this(record, null);
    }

    /** What a later write of the key, of which the payload does not come along, is stored with. */
    public @Nullable Dot sinceOfNext() {
      boolean isAll = record.payload() != null || record.header().isTombstone();
      return isAll ? record.header().version().dot() : since;
    }
  }

  /**
   * All changes of another region's actor up to {@code counter} are in the journal before this. Of
   * an actor of this directory, where that wrote: it has written up to there, and nothing else is
   * left of the newest. Of one behind that, or with 0: what it wrote behind the counter may be
   * missing, though some of it is here.
   */
  record Applied(RegionName region, ActorId actor, long counter) implements JournalEntry {}

  /**
   * Changes of another region's actor that are not applied yet, because they are stamped too far
   * ahead of this node's clock. Dead once they are applied.
   *
   * @param after counter up to which the actor's changes are applied before
   * @param upTo and up to which they are with these
   */
  record Held(RegionName region, ActorId actor, long after, long upTo, List<MetadataRecord> records)
      implements JournalEntry {
    public Held {
      records = List.copyOf(records);
    }
  }

  /**
   * Which regions belong to the cluster, as far as this one knows; what was said before is replaced
   * by this.
   *
   * @param admitted the epoch that admitted the region whose state this is; 0 if it is not one that
   *     was taken in again
   * @param filled whether it has since got back all that the others have
   */
  record Configured(Configuration configuration, long admitted, boolean filled)
      implements JournalEntry {
    public static final Configured INITIAL = new Configured(Configuration.INITIAL, 0, true);

    /** Whether a region with this state takes part: it is a member, and not with an old state. */
    public boolean admits(RegionName region) {
      return configuration.isMember(region) && admitted >= configuration.since(region);
    }
  }

  /** The fabric was closed in order; everything before this is durable. */
  record Closed() implements JournalEntry {}

  /**
   * The end of a compacted segment, which is complete if and only if this is there.
   *
   * @param frames how many are before it
   */
  record Sealed(long frames) implements JournalEntry {}

  /**
   * A peer has told that it has all changes of {@code actor}, an opening of this directory, up to
   * {@code counter}, and with them all that this journal has for it up to {@code position}. What
   * was said of a peer before is replaced by this.
   *
   * @param lackingFrom of the entries from this position on ...
   * @param lackingUpTo ... up to this one some were not kept until the peer could be told, and what
   *     that means for it is not mended yet; both 0 if there are none
   */
  record Acknowledged(
      RegionName peer,
      ActorId actor,
      long counter,
      long position,
      long lackingFrom,
      long lackingUpTo)
      implements JournalEntry {}
}
