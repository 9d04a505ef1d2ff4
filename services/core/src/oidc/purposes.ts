import type { Seal } from '../secret/index.ts'
import { SecretUnreadable } from '../secret/seal.ts'

/** What things are sealed for: one cannot be put in the place of another, nor of somebody else's. */
export const PURPOSE = {
  cliSecret: (userId: number | string) => `oidc cli secret of user ${userId}`,
  refreshToken: (userId: number | string) => `oidc refresh token of user ${userId}`,
  idToken: 'oidc id token',
  onboarding: 'oidc onboarding',
} as const

/** `undefined`: it was sealed under a key that is gone, and is worth nothing. */
export function findSecret(seal: Seal, sealed: string, purpose: string): string | undefined {
  try {
    return seal.open(sealed, purpose)
  } catch (err) {
    if (err instanceof SecretUnreadable) return undefined
    throw err
  }
}
