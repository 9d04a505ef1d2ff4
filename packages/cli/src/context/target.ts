import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { CommandFailed, NotThere } from '../exit.ts'
import { dataDirectory, findSuite, readAdminPassword } from '../local-suite.ts'
import { readConfig } from './config-file.ts'

/** Name of the context that is always there: the suite on this machine's data directory. */
export const LOCAL = 'local'

/** The suite a command speaks to. */
export interface Target {
  name: string
  /** Without a slash at its end. */
  url: string
  username?: string
  password?: string
  caFile?: string
  /** Where the suite keeps what it has, when it is on this machine. */
  directory?: string
}

interface Around {
  env: NodeJS.ProcessEnv
  cwd: string
}

/**
 * The context named, else the chosen one, else the suite of this machine. `BERTH_USERNAME` and `BERTH_PASSWORD` come
 * before what is stored.
 *
 * @throws {NotThere} no such context; {CommandFailed} none is named and no suite runs here
 */
export async function resolveTarget({ env, cwd }: Around, name?: string): Promise<Target> {
  const config = await readConfig(env)
  const wanted = name ?? config.current ?? LOCAL
  const target = wanted === LOCAL ? await localTarget(env, cwd) : config.contexts.find((one) => one.name === wanted)
  if (!target) throw new NotThere(`there is no context ${wanted}; "berth context list" shows them`)
  return {
    ...target,
    url: target.url.replace(/\/+$/, ''),
    username: env.BERTH_USERNAME || target.username,
    password: env.BERTH_PASSWORD || target.password,
  }
}

async function localTarget(env: NodeJS.ProcessEnv, cwd: string): Promise<Target> {
  const directory = dataDirectory(env, cwd)
  const suite = await findSuite(directory)
  if (!suite) {
    throw new CommandFailed(`no suite runs on ${directory} (BERTH_DATA), and no other context is chosen`)
  }
  const stored = await readAdminPassword(directory)
  const certificate = join(directory, 'tls', 'gateway.crt')
  return {
    name: LOCAL,
    url: suite.url,
    // Made by the gateway itself with BERTH_TLS=self-signed, so nobody else vouches for it.
    ...(suite.url.startsWith('https:') && existsSync(certificate) && { caFile: certificate }),
    username: 'admin',
    password: stored ?? (env.BERTH_ADMIN_PASSWORD || env.HARBOR_ADMIN_PASSWORD),
    directory,
  }
}
