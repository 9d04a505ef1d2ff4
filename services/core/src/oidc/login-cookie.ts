import { z } from 'zod'
import type { Seal } from '../secret/seal.ts'

/** As long as somebody may take to sign in at the provider. */
export const LOGIN_MS = 10 * 60_000

const PURPOSE = 'oidc sign-in under way'
const MAX_CHARS = 4_000
const Login = z.object({
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  redirectUri: z.string(),
  returnTo: z.string(),
  /** Which provider it goes to, and for which client: a hash of both. */
  provider: z.string(),
  /** Milliseconds since 1970. */
  startedAt: z.number(),
})

/** A sign-in that is under way in one browser. */
export type Login = z.output<typeof Login>

/** The cookie that carries it: sealed, so that nothing need be kept for browsers that never come back. */
export function sealLogin(seal: Seal, login: Login): string {
  return seal.close(JSON.stringify(login), PURPOSE).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** `undefined`: no cookie of ours, or it is older than ten minutes. */
export function findLogin(seal: Seal, cookie: string | undefined, now = Date.now()): Login | undefined {
  if (cookie === undefined || cookie.length > MAX_CHARS) return undefined
  const opened = openText(seal, cookie)
  const login = opened === undefined ? undefined : Login.safeParse(JSON.parse(opened)).data
  return login && now - login.startedAt < LOGIN_MS ? login : undefined
}

function openText(seal: Seal, cookie: string): string | undefined {
  try {
    return seal.open(cookie, PURPOSE)
  } catch {
    return undefined
  }
}
