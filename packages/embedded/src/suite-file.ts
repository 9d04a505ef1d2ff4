import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { writePrivateFile } from './private-file.ts'

/** `$BERTH_DATA/suite.json`: what runs where, for scripts and for the `berth` command. @see docs/contract.md */
export const Suite = z.object({
  version: z.string(),
  url: z.string(),
  /** Of the supervisor. */
  pid: z.number().int().positive(),
  processes: z.array(
    z.object({
      service: z.string(),
      replica: z.number().int().nonnegative(),
      pid: z.number().int().positive(),
      /** Base URL of its door. */
      http: z.string(),
      /** Base URL of its private door: /healthz, /readyz, /metrics. */
      admin: z.string(),
    }),
  ),
  /** `credentials`: path of the file of the user `operator`; null with an external NATS. */
  nats: z.object({ url: z.string(), credentials: z.string().nullable() }),
  database: z.object({ url: z.string(), user: z.string() }),
  /** Postgres and nats-server, where they are ours. */
  parts: z.array(z.object({ name: z.string(), pid: z.number().int().positive(), port: z.number().int() })),
})
export type Suite = z.output<typeof Suite>

export async function writeSuite(dataPath: string, suite: Suite): Promise<void> {
  await writePrivateFile(join(dataPath, 'suite.json'), `${JSON.stringify(suite, null, 2)}\n`)
}

/** The suite that runs on this data, or ran last; undefined when none was ever ready. */
export async function readSuite(dataPath: string): Promise<Suite | undefined> {
  try {
    return Suite.parse(JSON.parse(await readFile(join(dataPath, 'suite.json'), 'utf8')))
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw err
  }
}
