import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run, runOk } from '../src/process.ts'

export interface Packages {
  names: readonly string[]
  /**
   * A later release of Debian, from the archive the machine already uses; absent, the machine's own. Of a later one
   * only the packages themselves are taken, without what they depend on: they are programs that need nothing but libc.
   */
  suite?: string
}

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'

/**
 * Fetches packages with apt and unpacks them below `work/root`. Nothing is installed on the machine, and its lists and
 * archives are not touched.
 *
 * @throws {Error} when a package cannot be had
 */
export async function unpackPackages(work: string, packages: Packages): Promise<void> {
  const parts = ['lists/partial', 'archives/partial', 'root'].map((part) =>
    mkdir(join(work, part), { recursive: true }),
  )
  await Promise.all(parts)
  const archives = join(work, 'archives')
  const options = [
    `Dir::State::lists=${join(work, 'lists')}`,
    `Dir::Cache::archives=${archives}`,
    'Dir::Cache::pkgcache=',
    'Dir::Cache::srcpkgcache=',
    'APT::Sandbox::User=root',
    'Debug::NoLocking=true',
    'Acquire::Retries=3',
    ...(packages.suite ? await sourcesOf(work, packages.suite) : []),
  ].flatMap((option) => ['-o', option])
  const update = await run('apt-get', [...options, 'update'])
  const install = ['install', '--yes', '--no-install-recommends', '--download-only']
  const wanted = packages.suite ? ['download'] : install
  const fetched = await run('apt-get', [...options, ...wanted, ...packages.names], { cwd: archives })
  if (fetched.code !== 0) throw new Error(`the packages could not be had:\n${update.output}\n${fetched.output}`)
  const files = (await readdir(archives)).filter((file) => file.endsWith('.deb'))
  for (const file of files) await runOk('dpkg', ['-x', join(archives, file), join(work, 'root')])
  const versions = Object.fromEntries(files.toSorted().map((file) => file.split('_').slice(0, 2)))
  await writeFile(join(work, 'packages.json'), `${JSON.stringify(versions, null, 2)}\n`)
  await rm(archives, { recursive: true })
  await rm(join(work, 'lists'), { recursive: true })
}

/** The archive the machine's own release comes from, asked for another release. */
async function sourcesOf(work: string, suite: string): Promise<string[]> {
  const codename = (await runOk('sh', ['-c', '. /etc/os-release; echo "$VERSION_CODENAME"'])).stdout.trim()
  const format = ['--format', '$(REPO_URI) $(COMPONENT) $(RELEASE)', 'Created-By: Packages']
  const lines = (await runOk('apt-get', ['indextargets', ...format])).stdout.split('\n').map((line) => line.split(' '))
  const archive = lines.find(([, component, release]) => component === 'main' && release === codename)?.[0]
  if (archive === undefined) throw new Error(`apt has no source of ${codename} main`)
  const file = join(work, 'sources.list')
  await writeFile(file, `deb [signed-by=${KEYRING}] ${archive} ${suite} main\n`)
  return [`Dir::Etc::sourcelist=${file}`, 'Dir::Etc::sourceparts=-']
}
