import { readFile, writeFile } from 'node:fs/promises'
import { arch, cpus, release, totalmem } from 'node:os'
import type { Tools } from '../tools/install.ts'
import type { PeerPrograms } from '../tools/peers.ts'
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
    peer ? `${number(peer.rate)} ${unit} (${peer.name})` : '–',
    ratio === undefined ? '–' : `${ratio.toFixed(2)} ×`,
    reach,
    verdict,
    `${ours.peakMiB} (${ours.peakOfOneMiB}) / ${peer?.peakMiB || '–'} MiB`,
    `${number(ours.cpuSeconds)} / ${peer?.cpuSeconds ? number(peer.cpuSeconds) : '–'}`,
  ])
  const all = [HEAD, HEAD.map(() => '---'), ...lines]
  return `${all.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`
}

export function renderMachine(tools: Tools, peers: PeerPrograms, repeats: number): string {
  const [first] = cpus()
  const machine = `${cpus().length} × ${first?.model.trim() ?? arch()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}`
  const version = (said: string): string => /\d+\.\d[\w.+~-]*/.exec(said)?.[0] ?? said
  const packaged = (['docker-registry', 'nginx', 'wrk'] as const).map(
    (name) => `${name} ${version(tools.versions[name])}`,
  )
  const built = [`distribution ${peers.versions.distribution}`, `olareg ${peers.versions.olareg}`]
  const day = new Date().toISOString().slice(0, 10)
  return `${day}, ${machine}. Node ${process.versions.node}, ${[...built, ...packaged].join(', ')}. Medians of ${repeats}.\n`
}

/** What our processes did in the rows that missed their reach: the functions they spent their own time in. */
export function renderProfiles(rows: readonly Row[]): string {
  const missed = rows.filter(({ profiles }) => profiles !== undefined && profiles.length > 0)
  const parts = missed.map(({ id, work, ratio, reach, profiles = [] }) => {
    const services = profiles.map(({ service, busyShare, top }) => {
      const lines = top.map(({ name, share }) => `${(share * 100).toFixed(1).padStart(5)} %  ${name}`)
      return `${service}, its thread busy ${(busyShare * 100).toFixed(0)} % of the time\n\n${lines.join('\n')}`
    })
    return `## ${id}, ${work}\n\n${ratio?.toFixed(2) ?? '–'} × where ${reach} was wanted.\n\n\`\`\`\n${services.join('\n\n')}\n\`\`\`\n`
  })
  return `# Profiles of what was missed\n\nOwn time by function, taken from a further run of each row of ../benchmarks.md that missed its reach.\n\n${parts.join('\n')}`
}

/** Puts the text between the two marks of docs/benchmarks.md. */
export async function writeTable(path: string, text: string): Promise<void> {
  const page = await readFile(path, 'utf8')
  const [before, rest] = page.split(BEGIN)
  const after = rest?.split(END)[1]
  if (before === undefined || after === undefined) throw new Error(`${path} has no ${BEGIN} … ${END}`)
  await writeFile(path, `${before}${BEGIN}\n\n${text}\n${END}${after}`)
}
