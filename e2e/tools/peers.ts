import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { run } from '../src/process.ts'
import { cacheDirectory, exists, makeOnce } from './cache.ts'
import { buildFrom, buildPrograms } from './go.ts'

const DISTRIBUTION = 'github.com/distribution/distribution/v3/cmd/registry@v3.0.0'
const OLAREG = 'github.com/olareg/olareg/cmd/olareg'

/** The registries the bench measures beside ours and no test needs. */
export interface PeerPrograms {
  /** Path of the program. */
  distribution: string
  olareg: string
  versions: { distribution: string; olareg: string }
}

/** Builds them once, into the cache of the tools. @throws {Error} when one cannot be had or does not run */
export async function openPeerPrograms(): Promise<PeerPrograms> {
  const cache = await cacheDirectory()
  const make = async (name: string, what: string, fill: (work: string) => Promise<void>): Promise<string> => {
    const home = join(cache, `${name}-${createHash('sha256').update(what).digest('hex').slice(0, 8)}`)
    if (!(await exists(home))) await makeOnce(home, fill)
    return join(home, 'bin')
  }
  const folder = join(import.meta.dirname, 'olareg')
  const distribution = await make('distribution', DISTRIBUTION, (work) => buildPrograms(work, [DISTRIBUTION]))
  const olareg = await make('olareg', 'v0.1.2', (work) => buildFrom(work, folder, OLAREG))
  const programs = { distribution: join(distribution, 'registry'), olareg: join(olareg, 'olareg') }
  return {
    ...programs,
    versions: {
      distribution: DISTRIBUTION.split('@v')[1] ?? '',
      olareg: await versionOf(programs.olareg, ['version']),
    },
  }
}

async function versionOf(program: string, args: readonly string[]): Promise<string> {
  const { code, output } = await run(program, args, { env: {}, timeoutMs: 60_000 })
  const found = /v?(\d+\.\d+\.\d+)/.exec(output)?.[1]
  if (code !== 0 || found === undefined) throw new Error(`${program} does not run: ${output}`)
  return found
}
