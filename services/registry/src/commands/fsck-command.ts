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
  const { missing, wrongSize, unknown, repaired, marked } = found
  const left = missing + wrongSize + unknown - repaired
  if (left <= 0) return report
  const open = left - marked
  const why = [
    ...(open > 0 ? [`${open} of what was found ${repair ? 'could not be repaired' : 'wants --repair'}`] : []),
    ...(marked > 0 ? [`${marked} marked as corrupt: the next push of the same makes it right`] : []),
  ]
  throw new NotWell(why.join('; '), report)
}

function toReport({ findings, ...figures }: FsckReport): CommandReport {
  return { figures, findings, remarks: [] }
}
