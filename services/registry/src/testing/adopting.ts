import { type Database, openDatabase } from '@berth/db'
import { silentLogger } from '@berth/runtime'
import type { CommandReport } from '@berth/types'
import type { CommandParts } from '../commands/command.ts'
import { findCommand } from '../commands/index.ts'
import { projectStore } from '../project/index.ts'
import { filesystemStorage } from '../storage/index.ts'
import { migrateRegistry } from '../wire.ts'
import { RegistryClient } from './registry-client.ts'
import { openWorld, type Replica, testProject, type World } from './test-world.ts'

/** A world with the project `library`, a replica, and commands that work on its tables and storage. */
export interface Adopting {
  world: World
  replica: Replica
  database: Database
  /** What a command works with. */
  parts(): Promise<CommandParts>
  run(name: string, args: readonly string[], over?: Partial<CommandParts>): Promise<CommandReport>
  client(name: string): RegistryClient
  /** What the project is said to use, and what its blobs come to. */
  usage(): Promise<{ used: number; sum: number } | undefined>
  stop(): Promise<void>
}

export async function openAdopting(): Promise<Adopting> {
  const world = await openWorld()
  const log = silentLogger
  const database = openDatabase({ url: world.databaseUrl, service: 'registry', schema: 'registry', log })
  await migrateRegistry(database, log)
  await projectStore(database).put(testProject())
  const replica = await world.startReplica()
  const parts = async (): Promise<CommandParts> => ({
    database,
    storage: await filesystemStorage(world.storageRoot),
    env: { ...process.env, BERTH_REGISTRY_ROOT: world.storageRoot, BERTH_ADOPT_TAGS_PASSWORD: undefined },
    log,
    say: () => undefined,
    signal: new AbortController().signal,
  })
  return {
    world,
    replica,
    database,
    parts,
    async run(name, args, over) {
      const command = findCommand(name)
      if (command === undefined) throw new Error('there is no such command')
      return command(args, { ...(await parts()), ...over })
    },
    client: (name) => new RegistryClient(replica.url, name, `Bearer ${world.tokenFor(name)}`),
    usage: async () => {
      const [row] = await world.sql<{ used: number; sum: number }>(
        `SELECT used, (
           SELECT coalesce(sum(b.size), 0)::bigint
           FROM registry.project_blob pb JOIN registry.blob b ON b.id = pb.blob_id WHERE pb.project_id = p.id
         ) AS sum FROM registry.project p WHERE name = 'library'`,
      )
      return row
    },
    async stop() {
      await database.close()
      await world.stop()
    },
  }
}
