package io.metafabric.core.store;

import io.metafabric.core.journal.FrameLocation;

/** A prefix, and the journal frame that says so. */
record AppliedAt(AppliedPrefix prefix, FrameLocation at) {}
