import { Conflict } from '@berth/errors'
import type { CommandReport } from '@berth/types'
import { alone } from '../chore/index.ts'
import { paceOf, type ScrubFigures, scrubRound } from '../scrub/index.ts'
import { readCount, readOptions } from './arguments.ts'
import { type Command, NotWell, Stopped } from './command.ts'

const MIB = 1_048_576
const OPTIONS = { rate: { type: 'string' } } as const

/** `scrub [--rate <MiB a second>]`: reads everything stored once, from where the last round was broken off. */
export const scrubCommand: Command = async (args, { database, storage, log, say, signal }) => {
  const rate = readCount('rate', readOptions(args, OPTIONS).rate, 1, 1_000_000)
  const pace = paceOf(rate === undefined ? Number.POSITIVE_INFINITY : rate * MIB, signal)
  let figures: ScrubFigures | undefined
  const onProgress = ({ checked, checkedBytes, corrupt, unread }: ScrubFigures) =>
    say({ step: 'reading what is stored', done: checked, unit: 'blobs', counts: { checkedBytes, corrupt, unread } })
  const work = async () => {
    figures = await scrubRound({ database, storage, log, pace, onProgress }, 0)
  }
  const isDone = await alone(database, 'scrub', work).catch((err) => {
    throw signal.aborted ? new Stopped() : err
  })
  if (!isDone || figures === undefined)
    throw new Conflict('a replica of the registry is reading what is stored just now')
  const report = toReport(figures)
  if (figures.corrupt + figures.unread === 0) return report
  throw new NotWell(`${figures.corrupt} corrupt, ${figures.unread} could not be read`, report)
}

function toReport(figures: ScrubFigures): CommandReport {
  return { figures: { ...figures }, findings: [], remarks: [] }
}
