import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { run } from './process.ts'

/**
 * A directory of its own below /tmp; short, because sockets live in it, and passable, because Postgres, which is not
 * root, keeps its files inside.
 */
export async function openScratch(): Promise<string> {
  const directory = await mkdtemp('/tmp/berth-e2e-')
  await chmod(directory, 0o711)
  return directory
}

/** Unmounts whatever is left below `directory`, deepest first, and removes it. */
export async function removeScratch(directory: string): Promise<void> {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8'))
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => path.startsWith(`${directory}/`))
  for (const path of mounts.toSorted((a, b) => b.length - a.length)) await run('umount', ['-l', path])
  await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
}

/** A port of 127.0.0.1 nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  await new Promise<void>((resolve) => server.close(() => resolve()))
  if (address === null || typeof address === 'string') throw new Error('no port was given')
  return address.port
}
