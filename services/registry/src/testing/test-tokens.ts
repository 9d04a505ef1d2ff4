import { REGISTRY_AUDIENCE } from '@berth/access'
import { createTokenMint } from '@berth/testkit'
import type { GrantedAccess, PublicKey } from '@berth/types'

export interface TokenWish {
  access?: GrantedAccess[]
  /** `null`: nobody. */
  who?: { kind: 'user' | 'robot'; id: number } | null
  admin?: boolean
  /** Claims that override and add. */
  claims?: Record<string, unknown>
}

/** Tokens of a token service that signs whatever a test wishes. */
export function testTokens(): { keys: PublicKey[]; sign(wish?: TokenWish): string } {
  const { keys, mint } = createTokenMint()
  return {
    keys,
    sign: ({ access = [], who = { kind: 'user', id: 3 }, admin, claims } = {}) =>
      mint({
        aud: REGISTRY_AUDIENCE,
        sub: 'alice',
        access,
        ...(who && { who }),
        ...(admin && { admin }),
        ...claims,
      }),
  }
}

/** What a token says of one repository. */
export function accessTo(
  name: string,
  actions: string[],
  { project = 1, rev = 1 }: { project?: number; rev?: number } = {},
): GrantedAccess {
  return { type: 'repository', name, actions, project, rev }
}
