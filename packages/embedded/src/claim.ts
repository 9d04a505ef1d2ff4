import { randomBytes } from 'node:crypto'
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { birthOf, isAlive } from './processes.ts'

const Holder = z.object({ pid: z.number().int().positive(), birth: z.string() })

/**
 * Takes `berth.lock` in `directory` for this process. A lock whose holder is gone is taken over; pid and time of birth
 * together say whether it is.
 *
 * @returns the pid of the living holder when there is one, else how to let go
 */
export async function takeLock(directory: string): Promise<{ heldBy: number } | { release: () => Promise<void> }> {
  const path = join(directory, 'berth.lock')
  const mine = JSON.stringify({ pid: process.pid, birth: (await birthOf(process.pid)) ?? 'unknown' })
  const draft = `${path}.${randomBytes(4).toString('hex')}.tmp`
  await writeFile(draft, mine, { mode: 0o600 })
  try {
    for (;;) {
      if (await linked(draft, path)) return { release: () => releaseLock(path, mine) }
      const found = await readIfThere(path)
      if (found === undefined) continue
      const holder = parseHolder(found)
      if (holder && (await lives(holder))) return { heldBy: holder.pid }
      await removeStale(path, found)
    }
  } finally {
    await rm(draft, { force: true })
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw err
  }
}

async function lives(holder: z.output<typeof Holder>): Promise<boolean> {
  const birth = await birthOf(holder.pid)
  // Without /proc only the pid can be asked about.
  return process.platform === 'linux' ? birth === holder.birth : isAlive(holder.pid)
}

/** Another starter may have replaced the stale lock since we read it: what is moved away is looked at again. */
async function removeStale(path: string, stale: string): Promise<void> {
  const aside = `${path}.${randomBytes(4).toString('hex')}.tmp`
  try {
    await rename(path, aside)
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return
    throw err
  }
  if ((await readIfThere(aside)) !== stale) await linked(aside, path)
  await rm(aside, { force: true })
}

async function releaseLock(path: string, mine: string): Promise<void> {
  if ((await readIfThere(path)) === mine) await rm(path, { force: true })
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw err
  }
}

function parseHolder(text: string): z.output<typeof Holder> | undefined {
  try {
    return Holder.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}
