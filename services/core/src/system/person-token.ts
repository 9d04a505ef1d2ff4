import type { Bus } from '@berth/messaging'
import { personIssue } from '@berth/types'
import type { UserCaller } from '../caller/caller.ts'

/** A token that lets us ask another service in this person's name. */
export async function personToken(bus: Bus, { id, name, admin }: UserCaller): Promise<string> {
  const { token } = await bus.ask(personIssue, { kind: 'user', id, name, admin, access: [] })
  return token
}
