import type { CommandReport } from '@berth/types'
import { printable } from '../table.ts'
import type { Terminal } from '../terminal.ts'

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** `12.3 GiB` */
export function bytesText(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 2 ** (10 * power)).toFixed(power === 0 ? 0 : 1)} ${UNITS[power]}`
}

/** `1,204` */
export function countText(count: number): string {
  return Math.round(count).toLocaleString('en-US')
}

/** `skippedManifests` is `skipped manifests`, `blobBytes` is `blob bytes`. */
export function labelOf(name: string): string {
  return name.replaceAll(/[A-Z]/g, (sign) => ` ${sign.toLowerCase()}`)
}

/** The report as a table, what needs a look below it; with `-o json` as it is. */
export function showReport(terminal: Terminal, report: CommandReport): void {
  if (terminal.output === 'json') {
    terminal.json(report)
    return
  }
  const rows = Object.entries(report.figures)
  terminal.rows(rows, [
    { title: 'FIGURE', of: ([name]) => labelOf(name) },
    { title: 'VALUE', align: 'right', of: valueText },
  ])
  if (report.findings.length > 0) {
    terminal.line('')
    terminal.rows(report.findings, [
      { title: 'WHAT', of: (row) => row.what },
      { title: 'NAME', of: (row) => row.name },
      { title: 'WHY', of: (row) => row.why },
    ])
  }
  for (const remark of report.remarks) terminal.say(printable(remark))
}

function valueText([name, value]: [string, number | string | boolean]): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value === 'string') return value
  return name.endsWith('Bytes') ? bytesText(value) : countText(value)
}
