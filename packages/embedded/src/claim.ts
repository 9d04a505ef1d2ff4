import { randomBytes } from 'node:crypto'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { writePrivateFile } from './private-file.ts'
import { birthOf, isAlive } from './processes.ts'

const Ticket = z.object({ pid: z.number().int().positive(), birth: z.string(), held: z.boolean() })
type Ticket = z.output<typeof Ticket>

const TRIES = 20
const LONGEST_WAIT_MS = 100

/** Whether a file of this name is a ticket. */
export function isTicket(name: string): boolean {
  return /^berth\.\d+\.[0-9a-f]+\.lock$/.test(name)
}

/**
 * Takes `directory` for this process. Everybody lays down a ticket before looking at those of others, so of two at
 * least one sees the other; who sees a living one steps back, and tries again unless it is held already. Pid and time
 * of birth together tell whether an owner lives; tickets of the dead are removed.
 *
 * @returns the pid of the living holder when there is one, else how to let go
 */
export async function takeLock(directory: string): Promise<{ heldBy: number } | { release: () => Promise<void> }> {
  const name = `berth.${process.pid}.${randomBytes(6).toString('hex')}.lock`
  const path = join(directory, name)
  const release = () => rm(path, { force: true })
  const mine = { pid: process.pid, birth: (await birthOf(process.pid)) ?? 'unknown' }
  for (let tries = 1; ; tries++) {
    await writePrivateFile(path, JSON.stringify({ ...mine, held: false }))
    const other = await livingTicket(directory, name)
    if (!other) {
      await writePrivateFile(path, JSON.stringify({ ...mine, held: true }))
      return { release }
    }
    await release()
    if (other.held || tries >= TRIES) return { heldBy: other.pid }
    await sleep(Math.random() * LONGEST_WAIT_MS)
  }
}

async function livingTicket(directory: string, mine: string): Promise<Ticket | undefined> {
  let found: Ticket | undefined
  for (const name of await readdir(directory)) {
    if (name === mine || !isTicket(name)) continue
    const path = join(directory, name)
    const text = await readIfThere(path)
    if (text === undefined) continue
    const ticket = parseTicket(text)
    if (ticket && (await lives(ticket))) found = found?.held ? found : ticket
    else await rm(path, { force: true })
  }
  return found
}

async function lives(ticket: Ticket): Promise<boolean> {
  // Without /proc only the pid can be asked about.
  return process.platform === 'linux' ? (await birthOf(ticket.pid)) === ticket.birth : isAlive(ticket.pid)
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw err
  }
}

function parseTicket(text: string): Ticket | undefined {
  try {
    return Ticket.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}
