import { z } from 'zod'
import type { Seal } from '../secret/index.ts'
import { findSecret, PURPOSE } from './purposes.ts'

const Onboarding = z.object({
  person: z.object({
    provider: z.literal('oidc'),
    issuer: z.string(),
    subject: z.string(),
    username: z.string(),
    email: z.string().optional(),
    realname: z.string().optional(),
    groups: z.array(z.object({ name: z.string() })),
    groupAdmin: z.boolean(),
  }),
  idToken: z.string().optional(),
  refreshToken: z.string().optional(),
  aliveUntil: z.coerce.date(),
  returnTo: z.string(),
})

/** Somebody the provider vouched for who has yet to choose a user name. */
export type Onboarding = z.output<typeof Onboarding>

export function sealOnboarding(seal: Seal, onboarding: Onboarding): string {
  return seal.close(JSON.stringify(onboarding), PURPOSE.onboarding)
}

/** `undefined`: it was sealed under a key that is gone. */
export function findOnboarding(seal: Seal, sealed: string): Onboarding | undefined {
  const opened = findSecret(seal, sealed, PURPOSE.onboarding)
  return opened === undefined ? undefined : Onboarding.parse(JSON.parse(opened))
}
