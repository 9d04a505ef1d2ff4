import type { CommandProgress } from '@berth/types'
import type { World } from '../terminal.ts'
import { bytesText, countText, labelOf } from './figures.ts'

const WIDTH = 24

export interface ProgressBar {
  show(progress: CommandProgress): void
  /** Takes the line away, so that what follows begins on a clean one. */
  clear(): void
}

/** One line that is written over on a terminal; elsewhere a line whenever the step changes, not more than that. */
export function progressBar({ stderr }: World, now: () => number = () => performance.now()): ProgressBar {
  const first = now()
  let step: string | undefined
  return {
    show(progress) {
      if (stderr.isTTY)
        stderr.write(`\r\u001b[2K${lineOf(progress, (now() - first) / 1_000).slice(0, columnsOf(stderr) - 1)}`)
      else if (stepOf(progress) !== step) stderr.write(`${progress.step}\n`)
      step = stepOf(progress)
    },
    clear() {
      if (stderr.isTTY && step !== undefined) stderr.write('\r\u001b[2K')
    },
  }
}

/** `adopting library/nginx` and `adopting library/redis` are one step to whoever reads a file. */
function stepOf({ step }: CommandProgress): string {
  return step.split(' ')[0] ?? ''
}

/** `[#####-----] 40 % · 12 of 30 repositories · 1,204 manifests · 12.1 GiB (80.3 MiB/s) · adopting library/nginx` */
export function lineOf(progress: CommandProgress, seconds: number): string {
  const { step, done, total, unit, counts } = progress
  const amount = (count: number) => (unit === 'bytes' ? bytesText(count) : countText(count))
  const parts = [
    total === undefined || total === 0 ? undefined : bar(done / total),
    total === undefined ? `${amount(done)} ${unit}` : `${amount(done)} of ${amount(total)} ${unit}`,
    ...Object.entries(counts).map(([name, count]) => {
      if (!name.endsWith('Bytes')) return `${countText(count)} ${labelOf(name)}`
      const rate = seconds > 0 ? ` (${bytesText(count / seconds)}/s)` : ''
      return `${bytesText(count)} ${labelOf(name)}${rate}`
    }),
    step,
  ]
  return parts.filter((part) => part !== undefined).join(' · ')
}

function bar(part: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, part)) * WIDTH)
  return `[${'#'.repeat(filled)}${'-'.repeat(WIDTH - filled)}] ${Math.floor(part * 100)} %`
}

function columnsOf(stream: { columns?: number }): number {
  return stream.columns ?? 80
}
