import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { readSuite, type Suite } from '@berth/embedded'
import { CommandFailed } from './exit.ts'

/** Top of the clone. */
export const ROOT = resolve(import.meta.dirname, '..', '..', '..')

/** `$BERTH_DATA`, else `.berth` at the top of the clone. */
export function dataDirectory(env: NodeJS.ProcessEnv, cwd: string): string {
  return env.BERTH_DATA ? resolve(cwd, env.BERTH_DATA) : join(ROOT, '.berth')
}

/** What the suite that runs on this directory says of itself; undefined when none does. */
export async function findSuite(directory: string): Promise<Suite | undefined> {
  try {
    return await readSuite(directory)
  } catch (err) {
    const { code } = err as NodeJS.ErrnoException
    if (code === 'ENOTDIR') return undefined
    const what = code === 'EACCES' ? 'belongs to somebody else' : 'is not the file of a suite'
    throw new CommandFailed(`${join(directory, 'suite.json')} ${what}`, { cause: err })
  }
}

/** @throws {CommandFailed} no suite runs on this directory */
export async function getSuite(directory: string): Promise<Suite> {
  const suite = await findSuite(directory)
  if (!suite) throw new CommandFailed(`no suite runs on ${directory} (BERTH_DATA)`)
  return suite
}

/** The password made at first start; gone once it has been changed. */
export async function readAdminPassword(directory: string): Promise<string | undefined> {
  try {
    return (await readFile(join(directory, 'admin-password'), 'utf8')).trim()
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw err
  }
}
