import { cp, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { run, runOk } from '../src/process.ts'
import { exists } from './cache.ts'
import { unpackPackages } from './debian.ts'

/** The oldest Go the modules below are built with. */
const LEAST = [1, 24] as const

/**
 * Builds programs by module path and version into `work/bin`. The modules are checked against the checksum database,
 * as `go install` does by itself.
 *
 * @throws {Error} when a module cannot be had or does not build
 */
export async function buildPrograms(work: string, modules: readonly string[]): Promise<void> {
  const bin = join(work, 'bin')
  await mkdir(bin, { recursive: true })
  const go = await findGo(work)
  const env = { ...process.env, GOBIN: bin, GOTOOLCHAIN: 'local', CGO_ENABLED: '0' }
  for (const module of modules) {
    await runOk(go, ['install', '-trimpath', '-ldflags=-s -w', module], { env, timeoutMs: 1_500_000 })
  }
  await rm(join(work, 'go'), { recursive: true, force: true })
}

/**
 * Builds a program of a module whose other versions cannot be listed, which `go install` would do: `folder` holds a
 * go.mod that names its version and a go.sum that holds it to its bytes.
 *
 * @throws {Error} when it cannot be had or does not build
 */
export async function buildFrom(work: string, folder: string, main: string): Promise<void> {
  const bin = join(work, 'bin')
  const module = join(work, 'module')
  await mkdir(bin, { recursive: true })
  await cp(folder, module, { recursive: true })
  const go = await findGo(work)
  const env = { ...process.env, GOTOOLCHAIN: 'local', CGO_ENABLED: '0' }
  const args = ['build', '-mod=mod', '-trimpath', '-ldflags=-s -w', '-o', bin, main]
  await runOk(go, args, { env, cwd: module, timeoutMs: 1_500_000 })
  for (const part of ['go', 'module']) await rm(join(work, part), { recursive: true, force: true })
}

/** The machine's own, or Debian's when there is none or an older one. */
async function findGo(work: string): Promise<string> {
  for (const candidate of ['go', '/usr/local/go/bin/go']) {
    const said = await run(candidate, ['version']).catch((err: NodeJS.ErrnoException) => {
      if (err.code === 'ENOENT') return undefined
      throw err
    })
    const found = /go(\d+)\.(\d+)/.exec(said?.stdout ?? '')
    const [major, minor] = [Number(found?.[1] ?? 0), Number(found?.[2] ?? 0)]
    if (major > LEAST[0] || (major === LEAST[0] && minor >= LEAST[1])) return candidate
  }
  const names = ['golang-1.24-go', 'golang-1.24-src']
  await mkdir(join(work, 'go'), { recursive: true })
  await unpackPackages(join(work, 'go'), { names, suite: 'trixie' })
  const go = join(work, 'go/root/usr/lib/go-1.24/bin/go')
  if (!(await exists(go))) throw new Error('no Go of at least 1.24, and none in the packages')
  return go
}
