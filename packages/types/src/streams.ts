const SECOND_NS = 1_000_000_000
const HOUR_NS = 3_600 * SECOND_NS
const MIB = 1024 * 1024

/**
 * The streams of a suite; `berth provision` makes and updates them. Ages in nanoseconds, 0 for none; sizes in bytes.
 * A full log drops what is oldest; a full work queue refuses what is new, and what is done leaves it.
 */
export const STREAMS = [
  {
    name: 'EVENTS',
    kind: 'log',
    subjects: ['event.>'],
    maxAgeNs: 7 * 24 * HOUR_NS,
    maxBytes: 1024 * MIB,
    duplicateWindowNs: 120 * SECOND_NS,
  },
  { name: 'LOGS', kind: 'log', subjects: ['log.>'], maxAgeNs: 24 * HOUR_NS, maxBytes: 512 * MIB, duplicateWindowNs: 0 },
  // Of no age: a job waits until somebody works on it.
  {
    name: 'JOBS',
    kind: 'work-queue',
    subjects: ['job.>'],
    maxAgeNs: 0,
    maxBytes: 256 * MIB,
    duplicateWindowNs: 120 * SECOND_NS,
  },
] as const

export type StreamName = (typeof STREAMS)[number]['name']
