import { z } from 'zod'
import { type Seen, seenFirst, sizeOf, takeNumber } from './seen.ts'

const Gap = z.object({ from: z.number(), to: z.number(), shownBy: z.number(), atMs: z.number() })
const SeenState = z.object({ first: z.number(), last: z.number(), gaps: z.array(Gap) })

/** What the ledger is kept as. */
export const LedgerState = z.object({
  stream: SeenState.optional(),
  instances: z.array(SeenState.extend({ service: z.string(), instance: z.string(), heardAtMs: z.number() })),
  /** Lines given up for good, by service. */
  lost: z.record(z.string(), z.number()),
})
export type LedgerState = z.output<typeof LedgerState>

/** By then everything that was handed out and not acknowledged has come again. */
const SETTLE_MS = 60_000
/** The stream keeps lines for a day; after that an instance that says nothing is forgotten. */
const FORGET_MS = 25 * 3_600_000
const MAX_INSTANCES = 2_000
const MAX_GAPS = 200

export interface Ledger {
  /** Notes that this message of the stream has come. */
  takeMessage(sequence: number, deliveries: number, nowMs: number): void
  /**
   * Notes a numbered line of an instance.
   *
   * @returns false when it is already in a file
   */
  takeLine(line: { service: string; instance: string; seq: number }, sequence: number, nowMs: number): boolean
  /**
   * Lines that never reached the stream, by service: numbers missing after the first that came of an instance. A gap
   * counts once everything before it in the stream has come, or after a minute.
   */
  dropped(nowMs: number): Record<string, number>
  /** Gives up what is old, so that this stays small whatever comes and goes. */
  forget(nowMs: number): void
  state(): LedgerState
}

type Instance = LedgerState['instances'][number]

export function createLedger(state?: LedgerState): Ledger {
  let stream: Seen | undefined = state?.stream
  const lost = new Map(Object.entries(state?.lost ?? {}))
  const instances = new Map((state?.instances ?? []).map((one) => [keyOf(one), one]))

  const giveUp = (service: string, lines: number) => {
    if (lines > 0) lost.set(service, (lost.get(service) ?? 0) + lines)
  }
  const forgetOne = (one: Instance) => {
    giveUp(one.service, sizeOf(one.gaps))
    instances.delete(keyOf(one))
  }

  return {
    takeMessage(sequence, deliveries, nowMs) {
      // A first delivery from before what we know: the stream was made anew and counts from the start.
      if (!stream || (deliveries === 1 && sequence < stream.first)) stream = seenFirst(sequence)
      else takeNumber(stream, sequence, { shownBy: 0, atMs: nowMs })
    },
    takeLine(line, sequence, nowMs) {
      const known = instances.get(keyOf(line))
      if (!known) {
        const { service, instance } = line
        instances.set(keyOf(line), { service, instance, heardAtMs: nowMs, ...seenFirst(line.seq) })
        return true
      }
      known.heardAtMs = nowMs
      return takeNumber(known, line.seq, { shownBy: sequence, atMs: nowMs })
    },
    dropped(nowMs) {
      const hole = stream?.gaps[0]?.from ?? Number.POSITIVE_INFINITY
      const total = new Map(lost)
      for (const { service, gaps } of instances.values()) {
        const settled = gaps.filter(({ shownBy, atMs }) => shownBy < hole || nowMs - atMs > SETTLE_MS)
        if (settled.length > 0) total.set(service, (total.get(service) ?? 0) + sizeOf(settled))
      }
      return Object.fromEntries(total)
    },
    forget(nowMs) {
      if (stream) stream.gaps = stream.gaps.filter(({ atMs }) => nowMs - atMs <= SETTLE_MS).slice(-MAX_GAPS)
      const byAge = [...instances.values()].sort((a, b) => b.heardAtMs - a.heardAtMs)
      for (const [index, one] of byAge.entries()) {
        if (index >= MAX_INSTANCES || nowMs - one.heardAtMs > FORGET_MS) forgetOne(one)
        else giveUp(one.service, sizeOf(one.gaps.splice(0, one.gaps.length - MAX_GAPS)))
      }
    },
    state: () => ({ stream, instances: [...instances.values()], lost: Object.fromEntries(lost) }),
  }
}

function keyOf({ service, instance }: { service: string; instance: string }): string {
  return `${service} ${instance}`
}
