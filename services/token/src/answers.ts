import { Forbidden, Unavailable } from '@berth/errors'
import { type Answer, answer } from '@berth/messaging'
import { accessIssue, healthCheck, keyList, keyRotate, personIssue } from '@berth/types'
import type { Issuer } from './issue/index.ts'
import type { KeyRing } from './key/index.ts'

/** Everything this service answers over NATS. */
export function tokenAnswers(deps: { keys: KeyRing; issuer: Issuer }): Answer[] {
  const { keys, issuer } = deps
  return [
    answer(keyList, async () => ({ keys: keys.publicKeys() })),
    answer(keyRotate, async (_request, caller) => {
      if (!caller?.admin) throw new Forbidden('only an administrator may make a new signing key')
      return { kid: await keys.rotate() }
    }),
    answer(accessIssue, async ({ credentials, scopes }) => {
      const { token, expiresAt, expiresInSeconds, access } = await issuer.forClient({ credentials, scopes })
      return { token, expiresAt: expiresAt.toISOString(), expiresInSeconds, access }
    }),
    answer(personIssue, async (person) => {
      const { token, expiresAt, expiresInSeconds } = await issuer.forPerson(person)
      return { token, expiresAt: expiresAt.toISOString(), expiresInSeconds }
    }),
    answer(healthCheck.token, async () => ({ components: [await healthOf(keys)] })),
  ]
}

async function healthOf(keys: KeyRing): Promise<{ name: 'token'; status: 'healthy' | 'unhealthy'; error?: string }> {
  try {
    await canSign(keys)
    return { name: 'token', status: 'healthy' }
  } catch (err) {
    if (!(err instanceof Unavailable)) throw err
    return { name: 'token', status: 'unhealthy', error: err.message }
  }
}

/** @throws {Unavailable} a token asked for now could not be signed */
export async function canSign(keys: KeyRing): Promise<void> {
  await keys.signingKey(new Date())
}
