import { createServer, type RequestListener, type Server } from 'node:http'
import { INNER_HEADER_BYTES } from '@berth/runtime'

const HEADERS_MS = 30_000
/** Longer than any client or proxy keeps an idle connection, so that it is never us who close it under a request. */
const KEEP_ALIVE_MS = 120_000
/** A connection on which nothing moves at all. */
const SILENCE_MS = 600_000

/** A server for bodies without end: no limit on how long a request takes, only on how long nothing happens. */
export function createBlobServer(listener: RequestListener): Server {
  const server = createServer(
    {
      requestTimeout: 0,
      headersTimeout: HEADERS_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: INNER_HEADER_BYTES,
      noDelay: true,
    },
    listener,
  )
  server.timeout = SILENCE_MS
  // Whoever asks before sending gets its refusal instead of "continue"; see openBody.
  server.on('checkContinue', listener)
  return server
}

/** The part of the time to stop that requests may take to end by themselves. */
const PATIENT_PART = 0.6

/**
 * Closes a door opened with `listen`: requests end by themselves, or are broken off in time for uploads to be recorded
 * as far as they have come, to be continued on another replica.
 */
export async function closeInTime(
  server: Server,
  close: () => Promise<void>,
  options: { graceMs: number; settled: () => Promise<void> },
): Promise<void> {
  const timer = setTimeout(() => server.closeAllConnections(), options.graceMs * PATIENT_PART)
  try {
    await close()
    await options.settled()
  } finally {
    clearTimeout(timer)
  }
}
