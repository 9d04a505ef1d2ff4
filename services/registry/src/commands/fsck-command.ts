import type { CommandReport } from '@berth/types'
import { type FsckReport, fsck } from '../fsck/index.ts'
import { readOptions } from './arguments.ts'
import { type Command, NotWell, Stopped } from './command.ts'

const OPTIONS = { repair: { type: 'boolean', default: false } } as const

/** `fsck [--repair]`: compares tables and storage, in both directions. */
export const fsckCommand: Command = async (args, { database, storage, say, signal }) => {
  const { repair } = readOptions(args, OPTIONS)
  const onProgress = ({ rows, objects, missing, wrongSize, unknown }: FsckReport) =>
    say({
      step: 'comparing tables and storage',
      done: rows + objects,
      unit: 'rows and objects',
      counts: { missing, wrongSize, unknown },
    })
  const found = await fsck({ database, storage, repair, onProgress, signal }).catch((err) => {
    throw signal.aborted ? new Stopped() : err
  })
  const report = toReport(found)
  const wrong = found.missing + found.wrongSize + found.unknown
  if (wrong <= found.repaired) return report
  throw new NotWell(
    `${wrong - found.repaired} of what was found ${repair ? 'could not be repaired' : 'wants repair'}`,
    report,
  )
}

function toReport({ findings, ...figures }: FsckReport): CommandReport {
  return { figures, findings, remarks: [] }
}
