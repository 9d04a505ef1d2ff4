import { createHmac, randomBytes } from 'node:crypto'
import { access, constants, mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import { isTicket, takeLock } from './claim.ts'
import { canTraverse, unprivilegedUser } from './os-user.ts'
import { makeSharedHome, SHARED_HOME } from './postgres-binaries.ts'
import { writePrivateFile } from './private-file.ts'
import { EXIT, StartRefused } from './start-refused.ts'

const MARKER = 'berth.json'
const Marker = z.object({
  /** Random: a directory deleted and made again is another suite, though its path is the same. */
  id: z.string().regex(/^[0-9a-f]{32}$/),
  createdAt: z.iso.datetime(),
  /** False until a suite has been ready on it once: until then an admin password may still be made. */
  settled: z.boolean(),
  /** Tells whether a secret key is the one the data was made with, without telling the key. */
  keyProof: z.string().optional(),
})
type Marker = z.output<typeof Marker>

/** `$BERTH_DATA`, claimed for this process. */
export interface DataDir {
  path: string
  id: string
  /** No suite has been ready on it yet. */
  isNew: boolean
  /** Where Postgres keeps its files: inside, or under /var/lib/berth where its account cannot get in. */
  postgresHome: string
  /** Makes it, when it is not inside. */
  makePostgresHome(): Promise<void>
  at(...names: string[]): string
  /** Makes a directory inside, for its owner alone. */
  make(...names: string[]): Promise<string>
  /** @throws {StartRefused} exit code 2: what is kept was encrypted with a key that is neither this nor `previous` */
  bindKey(secretKey: string, setting: string, previous?: string): Promise<void>
  /** Whether what is kept was encrypted with a key already. */
  readonly hasKey: boolean
  settle(): Promise<void>
  release(): Promise<void>
}

/**
 * Claims the data directory, making it when it is absent.
 *
 * @throws {StartRefused} exit code 4: it cannot be written, is not ours, or another suite runs on it
 */
export async function claimDataDir(path: string): Promise<DataDir> {
  const directory = resolve(path)
  try {
    await makeDirectory(directory)
    const entries = (await readdir(directory)).filter((name) => !isHarmless(name))
    if (entries.length > 0 && !entries.includes(MARKER))
      throw refused('the data directory holds files of something else', directory)
    await access(directory, constants.W_OK | constants.X_OK)
    const lock = await takeLock(directory)
    if ('heldBy' in lock) throw refused(`the data directory is in use by another suite, pid ${lock.heldBy}`, directory)
    const marker = await readOrMakeMarker(directory)
    return claimed(directory, marker, await chooseHome(directory, marker.id), lock.release)
  } catch (err) {
    if (err instanceof StartRefused) throw err
    const code = (err as NodeJS.ErrnoException).code
    if (code === undefined) throw err
    throw refused(`the data directory cannot be used: ${wordsFor(code)}`, directory, err)
  }
}

function claimed(path: string, found: Marker, postgresHome: string, release: () => Promise<void>): DataDir {
  let marker = found
  const change = async (part: Partial<Marker>) => {
    marker = { ...marker, ...part }
    await writePrivateFile(join(path, MARKER), `${JSON.stringify(marker)}\n`)
  }
  return {
    path,
    id: marker.id,
    isNew: !marker.settled,
    hasKey: marker.keyProof !== undefined,
    postgresHome,
    makePostgresHome: async () => {
      if (dirname(postgresHome) === SHARED_HOME) await makeHomeElsewhere(postgresHome, path)
    },
    async bindKey(secretKey, setting, previous) {
      const proofOf = (key: string) =>
        createHmac('sha256', Buffer.from(key, 'base64')).update(marker.id).digest('base64url')
      const keyProof = proofOf(secretKey)
      if (marker.keyProof === keyProof) return
      const wasPrevious = previous !== undefined && marker.keyProof === proofOf(previous)
      if (marker.keyProof !== undefined && !wasPrevious) {
        throw new StartRefused(EXIT.wrongSetting, 'the secret key is not the one the data was made with', setting)
      }
      await change({ keyProof })
    },
    at: (...names) => join(path, ...names),
    make: async (...names) => {
      const made = join(path, ...names)
      await mkdir(made, { recursive: true, mode: 0o700 })
      return made
    },
    settle: () => change({ settled: true }),
    release,
  }
}

/**
 * For its owner alone, but for root, where Postgres' account has to pass through to files of its own: everything
 * inside has modes of its own.
 */
async function makeDirectory(directory: string): Promise<void> {
  if (await isThere(directory)) return
  const user = await unprivilegedUser()
  await mkdir(dirname(directory), { recursive: true })
  const passable = user !== undefined && (await canTraverse(dirname(directory), user))
  await mkdir(directory, { mode: passable ? 0o711 : 0o700 })
}

async function chooseHome(directory: string, id: string): Promise<string> {
  const user = await unprivilegedUser()
  if (!user || (await canTraverse(directory, user))) return join(directory, 'postgres')
  return join(SHARED_HOME, id)
}

async function makeHomeElsewhere(home: string, directory: string): Promise<void> {
  await makeSharedHome()
  await mkdir(home, { recursive: true, mode: 0o700 })
  // For whoever finds it and wonders whether it is still of use.
  await writePrivateFile(join(home, 'belongs-to'), `${directory}\n`)
}

async function readOrMakeMarker(directory: string): Promise<Marker> {
  const path = join(directory, MARKER)
  if (!(await isThere(path))) {
    const marker = { id: randomBytes(16).toString('hex'), createdAt: new Date().toISOString(), settled: false }
    await writePrivateFile(path, `${JSON.stringify(marker)}\n`)
    return marker
  }
  try {
    return Marker.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== undefined) throw err
    throw refused('the data directory was not made by this program', path, err)
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw err
  }
}

/** What a fresh volume holds, and what we leave when killed while writing. */
function isHarmless(name: string): boolean {
  return name === 'lost+found' || (name.startsWith('berth.') && name.endsWith('.tmp')) || isTicket(name)
}

function refused(what: string, where: string, cause?: unknown): StartRefused {
  return new StartRefused(EXIT.dataDirectory, what, where, { cause })
}

function wordsFor(code: string): string {
  const words: Record<string, string> = {
    EACCES: 'permission denied',
    EPERM: 'not permitted',
    EROFS: 'the file system is read-only',
    ENOSPC: 'no space is left',
    ENOTDIR: 'it is not a directory',
    EEXIST: 'it is not a directory',
  }
  return words[code] ?? code
}
