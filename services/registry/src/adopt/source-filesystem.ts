import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, opendir, realpath, stat, symlink } from 'node:fs/promises'
import { isAbsolute, join, relative, sep } from 'node:path'
import { NotFound } from '@berth/errors'
import type { StorageKey } from '../storage/index.ts'
import { type AdoptSource, FileTooLarge } from './source.ts'

const TOPS = [join('docker', 'registry', 'v2'), '.']
const WIDTH = 4

/**
 * The storage of a registry in a directory of this machine: what holds `docker/registry/v2`, or that itself. So that
 * our storage can read it, `adopted/<id>` below `storageRoot` becomes a symbolic link to it.
 *
 * @throws {NotFound} no such storage there
 */
export async function filesystemSource(path: string, storageRoot: string): Promise<AdoptSource> {
  const top = await findTop(path)
  const id = createHash('sha256').update(top).digest('hex').slice(0, 16)
  await link(storageRoot, id, top)
  const fileOf = (name: string) => join(top, name)
  return {
    name: top,
    width: WIDTH,
    async *directories(name) {
      const directory = await orNothing(opendir(fileOf(name)))
      if (directory === undefined) return
      for await (const entry of directory) {
        if (entry.isDirectory() || (entry.isSymbolicLink() && (await isDirectory(fileOf(join(name, entry.name)))))) {
          yield entry.name
        }
      }
    },
    async readSmall(name, maxBytes) {
      const handle = await orNothing(open(fileOf(name)))
      if (handle === undefined) return undefined
      try {
        const { size, mtime } = await handle.stat()
        if (size > maxBytes) throw new FileTooLarge(`${name} has more than ${maxBytes} bytes`)
        return { bytes: await handle.readFile(), sizeBytes: size, changedAt: mtime }
      } finally {
        await handle.close()
      }
    },
    async facts(name) {
      const found = await orNothing(stat(fileOf(name)))
      return found?.isFile() ? { sizeBytes: found.size, changedAt: found.mtime } : undefined
    },
    open: async (name) => createReadStream(fileOf(name), { highWaterMark: 1024 * 1024 }),
    keyOf: (name) => `adopted/${id}/${name}` as StorageKey,
    close: async () => undefined,
  }
}

async function findTop(path: string): Promise<string> {
  for (const below of TOPS) {
    const top = await orNothing(realpath(join(path, below)))
    if (top !== undefined && (await isDirectory(join(top, 'repositories')))) return top
  }
  throw new NotFound(`${path} holds no storage of a registry: there is no docker/registry/v2/repositories in it`)
}

/** A link that is there already, from another time or made just now by somebody else, must be the same. */
async function link(storageRoot: string, id: string, top: string): Promise<void> {
  const directory = join(storageRoot, 'adopted')
  const place = join(directory, id)
  await mkdir(directory, { recursive: true, mode: 0o700 })
  if ((await orNothing(realpath(place))) === top) return
  await symlink(targetOf(await realpath(storageRoot), top), place).catch((err: NodeJS.ErrnoException) => {
    if (err.code !== 'EEXIST') throw err
  })
  const handle = await open(directory)
  await handle.sync().finally(() => handle.close())
  if ((await orNothing(realpath(place))) !== top) throw new Error(`${place} does not lead to ${top}`)
}

/** Storages that lie in our own directory may be moved along with it. */
function targetOf(storageRoot: string, top: string): string {
  const inside = relative(storageRoot, top)
  const isInside = !isAbsolute(inside) && inside !== '..' && !inside.startsWith(`..${sep}`)
  return isInside ? join('..', inside) : top
}

async function isDirectory(path: string): Promise<boolean> {
  return (await orNothing(stat(path)))?.isDirectory() ?? false
}

async function orNothing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (err) {
    const { code } = err as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EINVAL') return undefined
    throw err
  }
}
