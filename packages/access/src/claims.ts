import { GrantedAccess } from '@berth/types'
import { z } from 'zod'

export const ISSUER = 'harbor-token-issuer'
/** For `/v2` and for questions about content. */
export const REGISTRY_AUDIENCE = 'harbor-registry'
/** For questions about the suite itself, asked on behalf of a person. */
export const SUITE_AUDIENCE = 'berth'
/** The longest a token may live, whatever it says. */
export const MAX_LIFETIME_SECONDS = 24 * 3_600

/** What is inside a token of ours. */
export const Claims = z.object({
  iss: z.literal(ISSUER),
  aud: z.union([z.string(), z.array(z.string())]),
  sub: z.string(),
  exp: z.number().int(),
  nbf: z.number().int(),
  iat: z.number().int(),
  jti: z.string().min(1),
  access: z.array(GrantedAccess).max(1000),
  /** Kind and id of the account; an anonymous token has none. */
  who: z.object({ kind: z.enum(['user', 'robot']), id: z.number().int() }).optional(),
  admin: z.boolean().optional(),
})
export type Claims = z.output<typeof Claims>

/** The entry that allows `action` on exactly this resource, if there is one. */
export function findAccess(
  claims: Pick<Claims, 'access'>,
  type: string,
  name: string,
  action: string,
): GrantedAccess | undefined {
  return claims.access.find((entry) => entry.type === type && entry.name === name && entry.actions.includes(action))
}
