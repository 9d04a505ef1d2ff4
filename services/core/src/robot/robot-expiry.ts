import { type Database, tell } from '@berth/db'
import type { Logger } from '@berth/runtime'
import { robotWarned } from '@berth/types'
import type { Settings } from '../setting/settings.ts'
import { expirySeconds, robotLogin } from './robot.ts'
import { robotStore } from './robot-store.ts'

const EVERY_MS = 10 * 60_000

/** Tells `event.robot.warned` of robots that end soon, once each; answers how many, at most a hundred. */
export function warnOfExpiry(database: Database, settings: Settings, poke: () => void): Promise<number> {
  return database.transaction(async (tx) => {
    const robots = await robotStore.warn(tx)
    for (const robot of robots) {
      const expiresAt = new Date((expirySeconds(robot) as number) * 1_000).toISOString()
      const name = robotLogin(robot, settings.get('robot_name_prefix'))
      const data = { id: robot.id, name, projectId: robot.project?.id, expiresAt }
      await tell(tx, robotWarned, { revision: robot.revision, data })
    }
    if (robots.length > 0) tx.afterCommit(poke)
    return robots.length
  })
}

/** Looks for robots that end soon every ten minutes, until stopped. */
export function startRobotExpiry(
  database: Database,
  settings: Settings,
  poke: () => void,
  log: Logger,
): { stop(): void } {
  const attempt = () =>
    warnOfExpiry(database, settings, poke).catch((err: unknown) =>
      log.warn('robots that end soon could not be told', { err }),
    )
  void attempt()
  const timer = setInterval(attempt, EVERY_MS)
  timer.unref()
  return { stop: () => clearInterval(timer) }
}
