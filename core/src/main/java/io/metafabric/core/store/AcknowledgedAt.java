package io.metafabric.core.store;

import io.metafabric.core.journal.FrameLocation;
import io.metafabric.core.journal.JournalEntry;

/** What a peer has acknowledged, and the journal frame that says so. */
record AcknowledgedAt(JournalEntry.Acknowledged by, FrameLocation at) {}
