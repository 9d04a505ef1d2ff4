import { type Figure, SECTIONS } from './sections.ts'

export interface Journey {
  /** File without folder and ending. */
  name: string
  /** Its outermost sentence. */
  about: string
  passed: number
  failed: number
}

export interface Run {
  /** `2026-11-20`. */
  date: string
  minutes: number
  cores: number
  memoryGib: number
  journeys: readonly Journey[]
  /** Whole names of the tests that did not pass. */
  failures: readonly string[]
  figures: readonly Figure[]
  /** What each program says of its version. */
  versions: Readonly<Record<string, string>>
}

const row = (cells: readonly (number | string)[]): string => `| ${cells.join(' | ')} |`

function table(head: readonly string[], rows: readonly (readonly (number | string)[])[]): string {
  return [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n')
}

/** Columns are whatever its figures have, in the order they are first seen. */
function figureTable(figures: readonly Figure[]): string {
  const columns = [...new Set(figures.flatMap((figure) => Object.keys(figure)))].filter((name) => name !== 'name')
  return table(
    ['', ...columns],
    figures.map((figure) => [figure.name, ...columns.map((column) => figure[column] ?? '')]),
  )
}

function failuresOf({ failures }: Run): string {
  return failures.length === 0 ? '' : `## What failed\n\n${failures.map((name) => `- ${name}`).join('\n')}\n\n`
}

/** docs/proof.md: what a whole long run saw. */
export function proofPage(run: Run): string {
  const passed = run.journeys.reduce((sum, journey) => sum + journey.passed, 0)
  const failed = run.journeys.reduce((sum, journey) => sum + journey.failed, 0)
  const left = new Set(run.figures)
  const sections = SECTIONS.map(({ title, text, fits }) => {
    const own = [...left].filter((figure) => fits.test(figure.name))
    for (const figure of own) left.delete(figure)
    return own.length === 0 ? '' : `## ${title}\n\n${text}\n\n${figureTable(own)}\n`
  })
  return `# Proof

What the last whole \`npm run e2e:long\` saw, written by it: the full counts, sizes and times, with real clients against
suites started by \`npm start\` on fresh data directories. \`.ci/run\` carries most of it in a short form. ${run.date};
${run.cores} cores, ${run.memoryGib} GiB of memory, a shared machine; ${passed} passed, ${failed} failed, in ${run.minutes} minutes.

## Journeys

${table(
  ['file', 'about', 'passed', 'failed'],
  run.journeys.map(({ name, about, ...counts }) => [`\`${name}\``, about, counts.passed, counts.failed]),
)}

${failuresOf(run)}${sections.filter((section) => section !== '').join('\n')}
## Programs

${table(
  ['program', 'says'],
  Object.entries(run.versions)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([program, version]) => [`\`${program}\``, version]),
)}
`
}
