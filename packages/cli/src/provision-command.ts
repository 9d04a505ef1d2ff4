import { join } from 'node:path'
import { credentialsPath } from '@berth/embedded'
import { provision } from '@berth/messaging'
import { parseSettings } from '@berth/runtime'
import { BUCKETS, CONSUMERS, STREAMS } from '@berth/types'
import type { Command } from 'commander'
import { z } from 'zod'
import { dataDirectory, getSuite } from './local-suite.ts'
import { withProvision } from './nats/provision-bus.ts'
import { openSession } from './session.ts'
import type { World } from './terminal.ts'

const Env = z.object({
  NATS_URL: z
    .string()
    .regex(/^(nats|tls|wss?):\/\//, 'must begin with nats:// or tls://')
    .optional(),
  BERTH_PROVISION_NATS_CREDS: z.string().optional(),
  BERTH_NATS_REPLICAS: z.enum(['1', '3', '5'], 'must be 1, 3 or 5').transform(Number).default(1),
})

/** `berth provision`: on `NATS_URL` with `BERTH_PROVISION_NATS_CREDS`, else on the suite of this machine. */
export function provisionCommand(program: Command, world: World): void {
  program
    .command('provision')
    .description('make the streams, consumers and buckets of a suite on its NATS server, or bring them up to date')
    .action(async (_options: unknown, command: Command) => {
      const { terminal } = openSession(world, command)
      const env = parseSettings(Env, world.env)
      const nats = env.NATS_URL
        ? { url: env.NATS_URL, credentials: env.BERTH_PROVISION_NATS_CREDS }
        : await localNats(world)
      await withProvision(nats, (bus) => provision(bus, { replicas: env.BERTH_NATS_REPLICAS }))
      const rows = [
        ...STREAMS.map(({ name }) => ({ kind: 'stream', name })),
        ...BUCKETS.map((name) => ({ kind: 'bucket', name })),
        ...Object.keys(CONSUMERS).map((name) => ({ kind: 'consumer', name })),
      ]
      terminal.rows(rows, [
        { title: 'KIND', of: (row) => row.kind },
        { title: 'NAME', of: (row) => row.name },
      ])
    })
}

async function localNats(world: World): Promise<{ url: string; credentials?: string }> {
  const directory = dataDirectory(world.env, world.cwd)
  const { nats } = await getSuite(directory)
  const credentials = nats.credentials ? credentialsPath(join(directory, 'nats'), 'provision') : undefined
  return { url: nats.url, credentials: credentials ?? world.env.BERTH_PROVISION_NATS_CREDS }
}
