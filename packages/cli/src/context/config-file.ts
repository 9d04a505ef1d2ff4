import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { z } from 'zod'
import { CommandFailed } from '../exit.ts'

/** One suite and who we are there. */
export const Context = z.object({
  name: z.string(),
  url: z.url(),
  username: z.string().optional(),
  password: z.string().optional(),
  /** PEM file of a certificate authority of its own. */
  caFile: z.string().optional(),
})
export type Context = z.output<typeof Context>

export const ConfigFile = z.object({
  /** Absent: the suite of this machine. */
  current: z.string().optional(),
  contexts: z.array(Context).default([]),
})
export type ConfigFile = z.output<typeof ConfigFile>

/** `$XDG_CONFIG_HOME/berth/config.json`, else below `~/.config`. */
export function configPath(env: NodeJS.ProcessEnv): string {
  // The specification has relative paths ignored.
  const home = env.XDG_CONFIG_HOME && isAbsolute(env.XDG_CONFIG_HOME) ? env.XDG_CONFIG_HOME : undefined
  return join(home ?? join(env.HOME || homedir(), '.config'), 'berth', 'config.json')
}

/** An absent file is an empty one. */
export async function readConfig(env: NodeJS.ProcessEnv): Promise<ConfigFile> {
  const path = configPath(env)
  try {
    return ConfigFile.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return { contexts: [] }
    if (err instanceof SyntaxError || err instanceof z.ZodError) {
      throw new CommandFailed(`${path} is not a file of contexts`, { cause: err })
    }
    throw err
  }
}

/** Replaces the file whole; it is readable by its owner alone. */
export async function writeConfig(env: NodeJS.ProcessEnv, config: ConfigFile): Promise<void> {
  const path = configPath(env)
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await writePrivate(path, config)
}

/** Writes JSON that holds a secret: whole or not at all, mode 0600 whatever was there. */
export async function writePrivate(path: string, value: unknown): Promise<void> {
  const draft = `${path}.${process.pid}.tmp`
  await writeFile(draft, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 })
  await chmod(draft, 0o600)
  await rename(draft, path)
}
