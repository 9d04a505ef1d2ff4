const SECOND_NS = 1_000_000_000
const HOUR_NS = 3_600 * SECOND_NS
const MIB = 1024 * 1024

/** The streams of a suite; `berth provision` makes and updates them. Ages in nanoseconds, sizes in bytes. */
export const STREAMS = [
  {
    name: 'EVENTS',
    subjects: ['event.>'],
    maxAgeNs: 7 * 24 * HOUR_NS,
    maxBytes: 1024 * MIB,
    duplicateWindowNs: 120 * SECOND_NS,
  },
  { name: 'LOGS', subjects: ['log.>'], maxAgeNs: 24 * HOUR_NS, maxBytes: 512 * MIB, duplicateWindowNs: 0 },
] as const

export type StreamName = (typeof STREAMS)[number]['name']
