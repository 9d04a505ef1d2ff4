import { readFile } from 'node:fs/promises'
import type { Suite } from '@berth/embedded'
import { CommandFailed, UsageError } from '../exit.ts'
import { dataDirectory, findSuite } from '../local-suite.ts'
import type { World } from '../terminal.ts'

/** Of the process of a service; who starts a command is another one. */
const NOT_INHERITED = new Set(['BERTH_PARENT_PID', 'BERTH_REPLICA'])

/**
 * The environment a command of the registry needs: database and storage as the registry of this machine's suite has
 * them, else what our own environment says (beside a registry run alone, as in a container).
 *
 * @throws {CommandFailed} the suite's registry does not run, or is somebody else's
 * @throws {UsageError} no suite runs here and nothing says where the registry keeps what it has
 */
export async function registryEnvironment(world: World): Promise<NodeJS.ProcessEnv> {
  const directory = dataDirectory(world.env, world.cwd)
  const suite = await findSuite(directory)
  if (suite !== undefined) return { ...world.env, ...(await settingsOf(suite)) }
  if (world.env.BERTH_REGISTRY_DATABASE_URL || world.env.DATABASE_URL) return world.env
  throw new UsageError(`no suite runs on ${directory} (BERTH_DATA), and BERTH_REGISTRY_DATABASE_URL is not set`)
}

/** What the running registry was started with; the supervisor alone knows all of it, passwords included. */
async function settingsOf(suite: Suite): Promise<NodeJS.ProcessEnv> {
  const registry = suite.processes.find(({ service }) => service === 'registry')
  const text = registry && (await readEnvironment(registry.pid))
  if (!text) throw new CommandFailed('the registry of the suite does not run')
  const settings = text.split('\0').flatMap((line): [string, string][] => {
    const equals = line.indexOf('=')
    const name = line.slice(0, equals)
    return isSetting(name) ? [[name, line.slice(equals + 1)]] : []
  })
  return Object.fromEntries(settings)
}

function isSetting(name: string): boolean {
  return /^(?:BERTH_|GC_|DATABASE_URL$|NATS_URL$|PG|AWS_)/.test(name) && !NOT_INHERITED.has(name)
}

async function readEnvironment(pid: number): Promise<string | undefined> {
  try {
    return await readFile(`/proc/${pid}/environ`, 'utf8')
  } catch (err) {
    const { code } = err as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return undefined
    throw new CommandFailed('the registry of the suite belongs to another account: use that one', { cause: err })
  }
}
