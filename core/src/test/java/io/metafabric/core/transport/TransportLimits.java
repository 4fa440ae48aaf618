package io.metafabric.core.transport;

/** Bounds that the contract sets small, so that tests reach them; meanings as in production. */
public record TransportLimits(
    int maxFrameBytes, int outboundQueueBytes, int controlReserveBytes, int inboundQueueBytes) {}
