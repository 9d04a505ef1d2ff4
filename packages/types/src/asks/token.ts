import { z } from 'zod'
import { Credentials, GrantedAccess, Scope } from '../access.ts'
import { defineAsk } from '../ask.ts'

/** A public signing key; what else a JWK may hold is passed on unread. */
export const PublicKey = z.looseObject({ kid: z.string(), kty: z.string(), alg: z.string(), use: z.literal('sig') })
export type PublicKey = z.output<typeof PublicKey>

const TokenAnswer = z.object({
  token: z.string(),
  expiresAt: z.iso.datetime(),
  expiresInSeconds: z.number().int().positive(),
})

export const keyList = defineAsk({
  service: 'token',
  noun: 'key',
  verb: 'list',
  summary: 'The public keys tokens are verified with, the newest first',
  effect: 'read',
  caller: 'service',
  request: z.object({}),
  response: z.object({ keys: z.array(PublicKey) }),
})

export const keyRotate = defineAsk({
  service: 'token',
  noun: 'key',
  verb: 'rotate',
  summary: 'Makes a new signing key; the old one verifies until the last token it signed has expired',
  effect: 'write',
  caller: 'person',
  timeoutMs: 10_000,
  request: z.object({}),
  response: z.object({ kid: z.string() }),
})

export const accessIssue = defineAsk({
  service: 'token',
  noun: 'access',
  verb: 'issue',
  summary: 'A bearer token for credentials and scopes, as GET /service/token answers it',
  effect: 'read',
  caller: 'service',
  timeoutMs: 5_000,
  request: z.object({ credentials: Credentials, scopes: z.array(Scope).max(100) }),
  response: TokenAnswer.extend({ access: z.array(GrantedAccess) }),
})

export const personIssue = defineAsk({
  service: 'token',
  noun: 'person',
  verb: 'issue',
  summary: 'A short token for a call that core makes on behalf of somebody it has authenticated',
  effect: 'write',
  caller: 'service',
  request: z.object({
    name: z.string(),
    kind: z.enum(['user', 'robot']),
    id: z.number().int().positive(),
    admin: z.boolean(),
    access: z.array(GrantedAccess).max(100),
  }),
  response: TokenAnswer,
})
