import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { StoredEntry } from './storage.ts'

/**
 * Files below `root` whose names, with slashes, begin with `prefix` and come after `after`, in byte order. Only the
 * directories on the way are read, so a page costs about as much as it is long.
 */
export async function listFiles(root: string, prefix: string, after: string, limit: number): Promise<StoredEntry[]> {
  const found: StoredEntry[] = []
  for await (const name of namesBelow(root, '', prefix, after)) {
    // Gone since its directory was read: not listed.
    const file = await stat(join(root, name)).catch(() => undefined)
    if (file?.isFile()) found.push({ name, size: file.size, modifiedAt: file.mtime })
    if (found.length === limit) break
  }
  return found
}

async function* namesBelow(root: string, directory: string, prefix: string, after: string): AsyncGenerator<string> {
  for (const name of await sortedNames(join(root, directory))) {
    const path = directory + name
    if (path.endsWith('/')) {
      const isOnTheWay = prefix.startsWith(path) || path.startsWith(prefix)
      const isBehind = path > after || after.startsWith(path)
      if (isOnTheWay && isBehind) yield* namesBelow(root, path, prefix, after)
    } else if (path.startsWith(prefix) && path > after) yield path
  }
}

/**
 * Directories with their slash, so that the order is that of whole names. Below `adopted/` they are links to where
 * another registry kept what it had.
 */
async function sortedNames(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((err: NodeJS.ErrnoException) => {
    if (err.code === 'ENOENT') return []
    throw err
  })
  const names = entries.map(async (entry) => {
    const isDirectory = entry.isSymbolicLink()
      ? await leadsToDirectory(join(directory, entry.name))
      : entry.isDirectory()
    return isDirectory ? `${entry.name}/` : entry.name
  })
  return (await Promise.all(names)).sort()
}

async function leadsToDirectory(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found?.isDirectory() ?? false
}
