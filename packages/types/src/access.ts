import { z } from 'zod'

/** What a client asks for: `repository:a/b:pull,push`. */
export const Scope = z.object({
  type: z.string().max(64),
  name: z.string().max(512),
  actions: z.array(z.string().max(32)).max(16),
})
export type Scope = z.output<typeof Scope>

/** What it is given. For a repository `project` is the id of its project and `rev` the access revision it was judged by. */
export const GrantedAccess = Scope.extend({
  project: z.number().int().optional(),
  rev: z.number().int().optional(),
})
export type GrantedAccess = z.output<typeof GrantedAccess>

export const Credentials = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('anonymous') }),
  z.object({ kind: z.literal('basic'), username: z.string().max(512), password: z.string().max(4096) }),
  /** An ID token of the provider people sign in at. */
  z.object({ kind: z.literal('bearer'), token: z.string().max(16_384) }),
  /** The `sid` cookie of a browser session. */
  z.object({ kind: z.literal('session'), sid: z.string().max(512) }),
])
export type Credentials = z.output<typeof Credentials>

export const Identity = z.object({
  kind: z.enum(['anonymous', 'user', 'robot']),
  name: z.string(),
  /** Of the user or robot; 0 for nobody. */
  id: z.number().int().nonnegative(),
  admin: z.boolean(),
})
export type Identity = z.output<typeof Identity>
