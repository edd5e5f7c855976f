/**
 * Counters over many connections (/varz). Bytes are headers and payload. Connections add what a read
 * or a write moved in one go; totals are exact whenever a PONG reaches the client that asked.
 */
export class Traffic {
  inMessages = 0
  inBytes = 0
  outMessages = 0
  outBytes = 0
  slowConsumers = 0
  staleConnections = 0
  /** Times a publisher was held for a slow subscriber. */
  stalls = 0
}
