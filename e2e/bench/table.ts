import { readFile, writeFile } from 'node:fs/promises'
import { arch, cpus, release, totalmem } from 'node:os'
import type { Tools } from '../tools/install.ts'
import type { Row } from './measure.ts'

const BEGIN = '<!-- bench: begin -->'
const END = '<!-- bench: end -->'
const HEAD = [
  '',
  'work',
  'Berth',
  'peer',
  'ratio',
  'reach',
  '',
  'peak PSS: Berth (largest) / peer',
  'CPU s: Berth / peer',
]

const number = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toFixed(2))

export function renderTable(rows: readonly Row[]): string {
  const lines = rows.map(({ id, work, unit, ours, peer, ratio, reach, verdict }) => [
    id,
    work,
    `${number(ours.rate)} ${unit}`,
    peer ? `${number(peer.rate)} ${unit}` : '–',
    ratio === undefined ? '–' : `${ratio.toFixed(2)} ×`,
    reach,
    verdict,
    `${ours.peakMiB} (${ours.peakOfOneMiB}) / ${peer ? peer.peakMiB : '–'} MiB`,
    `${number(ours.cpuSeconds)} / ${peer ? number(peer.cpuSeconds) : '–'}`,
  ])
  const all = [HEAD, HEAD.map(() => '---'), ...lines]
  return `${all.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`
}

export function renderMachine(tools: Tools, repeats: number): string {
  const [first] = cpus()
  const machine = `${cpus().length} × ${first?.model.trim() ?? arch()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}`
  const version = (said: string): string => /\d+\.\d[\w.+~-]*/.exec(said)?.[0] ?? said
  const peers = (['docker-registry', 'nginx', 'wrk'] as const).map((name) => `${name} ${version(tools.versions[name])}`)
  const day = new Date().toISOString().slice(0, 10)
  return `${day}, ${machine}. Node ${process.versions.node}, ${peers.join(', ')}. Medians of ${repeats}.\n`
}

/** Puts the text between the two marks of docs/benchmarks.md. */
export async function writeTable(path: string, text: string): Promise<void> {
  const page = await readFile(path, 'utf8')
  const [before, rest] = page.split(BEGIN)
  const after = rest?.split(END)[1]
  if (before === undefined || after === undefined) throw new Error(`${path} has no ${BEGIN} … ${END}`)
  await writeFile(path, `${before}${BEGIN}\n\n${text}\n${END}${after}`)
}
