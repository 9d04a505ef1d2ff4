import type { Database } from '@berth/db'
import type { CommandReport } from '@berth/types'
import { alone } from '../chore/index.ts'
import { countCorrupted, listCorrupted, paceOf, type ScrubFigures, scrubRound } from '../scrub/index.ts'
import { readCount, readOptions } from './arguments.ts'
import { type Command, NotWell, Stopped } from './command.ts'

const MIB = 1_048_576
const OPTIONS = { rate: { type: 'string' } } as const

/**
 * `scrub [--rate <MiB a second>]`: reads everything stored once, from where the last round was broken off. Names what is
 * corrupt, also where that was known before, and where somebody else is reading just now.
 */
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
  const { corruptInAll, report } = await reportOf(database, isDone ? figures : undefined)
  const complaints = [
    ...(isDone ? [] : ['what is stored is being read already, by a replica of the registry or another scrub']),
    ...(corruptInAll > 0
      ? [
          `${corruptInAll} corrupt, pulling them is answered with 500 until their bytes are back or the same is pushed again`,
        ]
      : []),
    ...(figures && figures.unread > 0 ? [`${figures.unread} could not be read`] : []),
  ]
  if (complaints.length > 0) throw new NotWell(complaints.join('; '), report)
  return report
}

async function reportOf(
  database: Database,
  figures: ScrubFigures | undefined,
): Promise<{ corruptInAll: number; report: CommandReport }> {
  const corruptInAll = await countCorrupted(database)
  const findings = await listCorrupted(database)
  return { corruptInAll, report: { figures: { ...figures, corruptInAll }, findings, remarks: [] } }
}
