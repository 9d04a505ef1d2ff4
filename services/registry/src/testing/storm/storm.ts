import { setTimeout as sleep } from 'node:timers/promises'
import { Conflict, Unavailable } from '@berth/errors'
import { artifactCopy, gcSweep } from '@berth/types'
import { type GcStep, runGc } from '../../gc/index.ts'
import { RegistryClient } from '../registry-client.ts'
import { accessTo } from '../test-tokens.ts'
import type { SpawnedReplica, World } from '../test-world.ts'
import { Actor } from './actor.ts'
import { Unsure } from './pusher.ts'
import { type Random, randomFrom } from './random.ts'
import { universe } from './universe.ts'

const KILL_EVERY_MS = 6_000
const PROJECT = 1

export interface StormResult {
  /** What the actors did to its end. */
  done: Record<string, number>
  kills: number
  runs: number
  purgedBlobs: number
  purgedManifests: number
  actors: Actor[]
}

/**
 * Actors, garbage collection with no window and kill -9 at random, all at once on two replicas, for so long.
 *
 * @throws {Wrong} the first thing that was lost, or answered as it must not be
 */
export async function storm(
  world: World,
  options: { seed: number; seconds: number; actors: number },
): Promise<StormResult> {
  const random = randomFrom(options.seed)
  const things = universe(random.fork())
  const names = Array.from({ length: options.actors }, (_, i) => `library/storm${i}`)
  const access = names.map((name) => accessTo(name, ['pull', 'push', 'delete'], { project: PROJECT }))
  const authorization = `Bearer ${world.token({ access })}`
  const replicas = await Promise.all([spawn(world), spawn(world)])
  const clientsFrom = (luck: Random) => (name: string) =>
    new RegistryClient(luck.pick(replicas).url, name, authorization)
  const actors = names.map((name) => {
    const luck = random.fork()
    const others = names.filter((other) => other !== name)
    return new Actor({ name, others, things, random: luck, client: clientsFrom(luck.fork()), copy: copierOf(world) })
  })
  const totals = { runs: 0, purgedBlobs: 0, purgedManifests: 0 }
  const [luckOfGc, luckOfKills] = [random.fork(), random.fork()]
  const until = performance.now() + options.seconds * 1_000
  const isOver = () => performance.now() > until
  let kills = 0
  const kill = async () => {
    while (!isOver()) {
      await sleep(luckOfKills.below(KILL_EVERY_MS))
      const at = luckOfKills.below(replicas.length)
      await replicas[at]?.kill()
      kills++
      replicas[at] = await spawn(world)
    }
  }
  const act = async (actor: Actor) => {
    while (!isOver()) await actor.act()
  }
  await Promise.all([...actors.map(act), collect(world, luckOfGc, isOver, totals), kill()])
  for (const actor of actors) await actor.checkAll()
  const done: Record<string, number> = {}
  for (const actor of actors) for (const [what, n] of Object.entries(actor.done)) done[what] = (done[what] ?? 0) + n
  return { done, kills, ...totals, actors }
}

/** Copies are asked for again until they are done; one whose source is gone by then is none. */
function copierOf(world: World) {
  const project = { id: PROJECT, accessRevision: 1 }
  return async (from: string, reference: string, to: string): Promise<void> => {
    const request = { from: { project, repository: from, reference }, to: { project, repository: to } }
    try {
      while (!(await world.bus.ask(artifactCopy, request, { timeoutMs: 5_000 })).done);
    } catch (err) {
      throw new Unsure('a copy', { cause: err })
    }
  }
}

function spawn(world: World): Promise<SpawnedReplica> {
  return world.spawnReplica({ gc: { windowMs: 0, graceMs: 100 } })
}

/** One run of garbage collection after the other; one whose step was killed is stopped, and left to the next. */
async function collect(
  world: World,
  random: Random,
  isOver: () => boolean,
  totals: { runs: number; purgedBlobs: number; purgedManifests: number },
): Promise<void> {
  let current: number | undefined
  const step: GcStep = async (request) => {
    try {
      const answered = await world.bus.ask(gcSweep, { action: 'step', ...request }, { timeoutMs: 8_000 })
      current = answered.run
      // It would rest while the actors keep Postgres busy, and they do so all the time.
      return { ...answered, waitMs: Math.min(answered.waitMs, 50) }
    } catch (err) {
      // Not tried again: the next run is to begin at once.
      throw err instanceof Unavailable ? new Conflict('the registry that did the step is gone', { cause: err }) : err
    }
  }
  while (!isOver()) {
    const options = { deleteUntagged: random.percent(75), dryRun: false, workers: 1 + random.below(4), force: true }
    try {
      const run = await runGc(step, { options })
      totals.runs++
      totals.purgedBlobs += run.purgedBlobs
      totals.purgedManifests += run.purgedManifests
    } catch (err) {
      // Its answer may have been lost with who gave it; then the next one is told which run is in its way.
      current = (err as { detail?: { run?: number } }).detail?.run ?? current
      if (current !== undefined) await step({ run: current, action: 'stop' }).catch(() => sleep(200))
    }
  }
}
