import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { access, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { run, runOk } from '../src/process.ts'

const PACKAGES = [
  'docker.io',
  'podman',
  'skopeo',
  'nginx-light',
  'docker-registry',
  'wrk',
  'openssl',
  'perl-base',
] as const

/** How each program tells its version; it is run at every start, so a broken one is found here and not in a test. */
const PROGRAMS = {
  dockerd: ['--version'],
  docker: ['--version'],
  containerd: ['--version'],
  runc: ['--version'],
  podman: ['--version'],
  conmon: ['--version'],
  skopeo: ['--version'],
  nginx: ['-v'],
  'docker-registry': ['--version'],
  wrk: ['-v'],
  openssl: ['version'],
  perl: ['-e', 'printf "perl %vd\n", $^V'],
} as const

type Program = keyof typeof PROGRAMS

export interface Tools {
  /** Where the unpacked packages are: `<root>/usr/bin/podman`. */
  root: string
  /** First line each program says of its version. */
  versions: Record<Program, string>
  /** PATH and library path that find the unpacked programs before the machine's, and nothing of our own settings. */
  env: NodeJS.ProcessEnv
}

/**
 * Unpacks the Debian packages the tests need into a cache outside the clone (`BERTH_E2E_CACHE`, else
 * /var/cache/berth-e2e, else the user's cache), once. Nothing is installed on the machine and no daemon is started.
 *
 * @throws {Error} when a package cannot be had or a program does not run
 */
export async function openTools(): Promise<Tools> {
  const cache = await cacheDirectory()
  const release = await runOk('sh', ['-c', '. /etc/os-release; echo "$ID-$VERSION_ID"; dpkg --print-architecture'])
  const name = release.stdout.trim().split('\n').join('-')
  const key = createHash('sha256').update(PACKAGES.join(' ')).digest('hex').slice(0, 8)
  const home = join(cache, `${name}-${key}`)
  const found = await check(join(home, 'root'))
  if (found.missing.length === 0) return found.tools
  await rm(home, { recursive: true, force: true })
  await unpack(cache, home)
  const built = await check(join(home, 'root'))
  if (built.missing.length > 0) throw new Error(`these programs do not run: ${built.missing.join('; ')}`)
  await writeFile(join(home, 'versions.json'), `${JSON.stringify(built.tools.versions, null, 2)}\n`)
  return built.tools
}

async function cacheDirectory(): Promise<string> {
  const wanted = process.env.BERTH_E2E_CACHE
  const candidates = wanted ? [wanted] : ['/var/cache/berth-e2e', join(homedir(), '.cache', 'berth-e2e')]
  const refused: string[] = []
  for (const directory of candidates) {
    try {
      await mkdir(directory, { recursive: true })
      await access(directory, constants.W_OK)
      return directory
    } catch (err) {
      refused.push(`${directory}: ${err instanceof Error ? err.message : String(err)}`)
    }
  }
  throw new Error(`no place for the tools: ${refused.join('; ')}`)
}

async function unpack(cache: string, home: string): Promise<void> {
  const work = await mkdtemp(join(cache, 'building-'))
  try {
    const apt = ['lists/partial', 'archives/partial', 'root'].map((part) =>
      mkdir(join(work, part), { recursive: true }),
    )
    await Promise.all(apt)
    const options = [
      `Dir::State::lists=${join(work, 'lists')}`,
      `Dir::Cache::archives=${join(work, 'archives')}`,
      'Dir::Cache::pkgcache=',
      'Dir::Cache::srcpkgcache=',
      'APT::Sandbox::User=root',
      'Debug::NoLocking=true',
      'Acquire::Retries=3',
    ].flatMap((option) => ['-o', option])
    const update = await run('apt-get', [...options, 'update'])
    const fetched = await run('apt-get', [
      ...options,
      'install',
      '--yes',
      '--no-install-recommends',
      '--download-only',
      ...PACKAGES,
    ])
    if (fetched.code !== 0) throw new Error(`the packages could not be had:\n${update.output}\n${fetched.output}`)
    const archives = (await readdir(join(work, 'archives'))).filter((file) => file.endsWith('.deb'))
    for (const file of archives) await runOk('dpkg', ['-x', join(work, 'archives', file), join(work, 'root')])
    const packages = Object.fromEntries(archives.toSorted().map((file) => file.split('_').slice(0, 2)))
    await writeFile(join(work, 'packages.json'), `${JSON.stringify(packages, null, 2)}\n`)
    await rm(join(work, 'archives'), { recursive: true })
    await rm(join(work, 'lists'), { recursive: true })
    await rename(work, home).catch(async (err: NodeJS.ErrnoException) => {
      if (err.code !== 'ENOTEMPTY' && err.code !== 'EEXIST') throw err
      await access(join(home, 'packages.json'))
    })
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function check(root: string): Promise<{ tools: Tools; missing: string[] }> {
  const env = await environment(root)
  const missing: string[] = []
  const versions = {} as Record<Program, string>
  await Promise.all(
    (Object.keys(PROGRAMS) as Program[]).map(async (program) => {
      try {
        const said = await run(program, PROGRAMS[program], { env, timeoutMs: 20_000 })
        const line = said.output.split('\n').find((text) => /\d\.\d/.test(text))
        if (line === undefined) missing.push(`${program}: ${said.output.trim()}`)
        else versions[program] = line.trim()
      } catch (err) {
        missing.push(`${program}: ${err instanceof Error ? err.message : String(err)}`)
      }
    }),
  )
  return { tools: { root, versions, env }, missing }
}

async function environment(root: string): Promise<NodeJS.ProcessEnv> {
  const libraries: string[] = []
  for (const directory of [join(root, 'usr/lib'), join(root, 'lib')]) {
    const names = await readdir(directory).catch((err: NodeJS.ErrnoException): string[] => {
      if (err.code === 'ENOENT') return []
      throw err
    })
    libraries.push(...names.filter((name) => name.endsWith('-linux-gnu')).map((name) => join(directory, name)))
  }
  const places = ['usr/sbin', 'usr/bin', 'sbin', 'bin'].map((place) => join(root, place))
  return {
    PATH: [...places, '/usr/sbin', '/usr/bin', '/sbin', '/bin'].join(':'),
    LD_LIBRARY_PATH: libraries.join(':'),
    LANG: 'C.UTF-8',
    HOME: '/nonexistent',
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => /^(https?|no)_proxy$/i.test(name))),
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const tools = await openTools()
  process.stdout.write(`${JSON.stringify({ root: tools.root, versions: tools.versions }, null, 2)}\n`)
}
