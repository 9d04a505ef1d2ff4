import type { Queries } from '@berth/db'
import type { RobotCaller } from '../caller/caller.ts'
import type { Settings } from '../setting/settings.ts'
import { expirySeconds, grantsOf, isRobotSecret, levelOf, parseRobotLogin } from './robot.ts'
import { robotStore } from './robot-store.ts'

/** `undefined` at once: the name is not one of a robot; later: there is none, or it may not sign in. */
export type RobotSignIn = (login: string, secret: string) => Promise<RobotCaller | undefined> | undefined

export function createRobotSignIn(db: Queries, settings: Settings, key: Buffer, now = Date.now): RobotSignIn {
  return (login, secret) => {
    const name = parseRobotLogin(login, settings.get('robot_name_prefix'))
    return name && signIn(name)

    async function signIn(parts: { name: string; project?: string }): Promise<RobotCaller | undefined> {
      const found = await robotStore.findByName(db, parts)
      const right = isRobotSecret(key, found?.secretHash, secret)
      const rightBefore = isRobotSecret(key, found?.previousSecretHash, secret)
      if (!(right || rightBefore) || !found) return undefined
      const { robot } = found
      const expiry = expirySeconds(robot)
      if (robot.disabled || (expiry !== undefined && expiry * 1_000 <= now())) return undefined
      return { kind: 'robot', id: robot.id, name: login, level: levelOf(robot), grants: grantsOf(robot.permissions) }
    }
  }
}
