import { createHash } from 'node:crypto'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { run, runOk } from '../src/process.ts'
import { cacheDirectory, exists, makeOnce } from './cache.ts'
import { type Packages, unpackPackages } from './debian.ts'
import { buildPrograms } from './go.ts'
import { LONG_PROGRAMS, PROGRAMS, type Program } from './programs.ts'

/** Packages of the machine's release, with what they depend on, and single programs of later ones. */
const PACKAGES: Record<string, Packages> = {
  own: {
    names: [
      'docker.io',
      'podman',
      'skopeo',
      'nginx-light',
      'docker-registry',
      'wrk',
      'openssl',
      'perl-base',
      'swift-proxy',
      'swift-account',
      'swift-container',
      'swift-object',
      'memcached',
    ],
  },
  directory: { names: ['slapd', 'ldap-utils'] },
  trixie: { names: ['oras'], suite: 'trixie' },
}
const LONG_PACKAGES: Record<string, Packages> = {
  buildah: { names: ['buildah'] },
  cosign: { names: ['cosign'], suite: 'trixie' },
  notation: { names: ['notation'], suite: 'sid' },
}

/** Built by module path: the version is part of it. */
const MODULES: Record<string, string> = {
  crane: 'github.com/google/go-containerregistry/cmd/crane@v0.20.7',
  helm: 'helm.sh/helm/v3/cmd/helm@v3.19.0',
}
const LONG_MODULES: Record<string, string> = {
  versitygw: 'github.com/versity/versitygw/cmd/versitygw@v1.8.0',
}

export interface Tools {
  /** Where the packages of the machine's release are: `<root>/usr/bin/podman`. */
  root: string
  /** First line each program says of its version. */
  versions: Record<Program, string>
  /** PATH and library path that find the unpacked programs before the machine's, and nothing of our own settings. */
  env: NodeJS.ProcessEnv
}

/**
 * Makes the programs the tests need, once, in a cache outside the clone (`BERTH_E2E_CACHE`, else /var/cache/berth-e2e,
 * else the user's cache). Nothing is installed on the machine and no daemon is started. What only the long run needs
 * is made for the long run.
 *
 * @throws {Error} when a package or module cannot be had or a program does not run
 */
export async function openTools(long = process.env.BERTH_E2E_LONG === '1'): Promise<Tools> {
  const cache = await cacheDirectory()
  const release = await runOk('sh', ['-c', '. /etc/os-release; echo "$ID-$VERSION_ID"; dpkg --print-architecture'])
  const system = release.stdout.trim().split('\n').join('-')
  const homes = new Map<string, string>()
  const make = async (name: string, what: unknown, fill: (work: string) => Promise<void>): Promise<void> => {
    const key = createHash('sha256').update(JSON.stringify(what)).digest('hex').slice(0, 8)
    const home = join(cache, `${system}-${name}-${key}`)
    homes.set(name, home)
    if (!(await exists(home))) await makeOnce(home, fill)
  }
  for (const [name, packages] of Object.entries({ ...PACKAGES, ...(long && LONG_PACKAGES) }))
    await make(name, packages, (work) => unpackPackages(work, packages))
  for (const [name, module] of Object.entries({ ...MODULES, ...(long && LONG_MODULES) }))
    await make(name, module, (work) => buildPrograms(work, [module]))
  const programs = long ? { ...PROGRAMS, ...LONG_PROGRAMS } : PROGRAMS
  const { tools, missing } = await check([...homes.values()], programs)
  if (missing.length > 0) throw new Error(`these programs do not run: ${missing.join('; ')}`)
  await writeFile(join(cache, `${system}-versions.json`), `${JSON.stringify(tools.versions, null, 2)}\n`)
  return tools
}

type Arguments = Partial<Record<Program, readonly string[]>>

/** Each program tells its version, so a broken one is found here and not in a test. */
async function check(homes: readonly string[], programs: Arguments): Promise<{ tools: Tools; missing: string[] }> {
  const env = await environment(homes)
  const missing: string[] = []
  const versions = {} as Tools['versions']
  await Promise.all(
    Object.entries(programs).map(async ([program, args]) => {
      try {
        const said = await run(program, args, { env, timeoutMs: 60_000 })
        const lines = said.output.split('\n')
        const line = lines.find((text) => /\d\.\d/.test(text)) ?? lines.find((text) => /^version\b/i.test(text))
        if (line === undefined) missing.push(`${program}: ${said.output.trim()}`)
        else versions[program as Program] = line.trim()
      } catch (err) {
        missing.push(`${program}: ${err instanceof Error ? err.message : String(err)}`)
      }
    }),
  )
  return { tools: { root: join(homes[0] ?? '', 'root'), versions, env }, missing }
}

async function environment(homes: readonly string[]): Promise<NodeJS.ProcessEnv> {
  const libraries: string[] = []
  for (const directory of homes.flatMap((home) => [join(home, 'root/usr/lib'), join(home, 'root/lib')])) {
    const names = (await exists(directory)) ? await readdir(directory) : []
    libraries.push(...names.filter((name) => name.endsWith('-linux-gnu')).map((name) => join(directory, name)))
  }
  const places = ['bin', 'root/usr/sbin', 'root/usr/bin', 'root/sbin', 'root/bin']
  const own = homes.flatMap((home) => places.map((place) => join(home, place)))
  return {
    PATH: [...own, '/usr/sbin', '/usr/bin', '/sbin', '/bin'].join(':'),
    LD_LIBRARY_PATH: libraries.join(':'),
    PYTHONPATH: join(homes[0] ?? '', 'root/usr/lib/python3/dist-packages'),
    LANG: 'C.UTF-8',
    HOME: '/nonexistent',
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => /^(https?|no)_proxy$/i.test(name))),
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const tools = await openTools()
  process.stdout.write(`${JSON.stringify({ root: tools.root, versions: tools.versions }, null, 2)}\n`)
}
