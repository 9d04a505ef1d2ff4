import { TokenInvalid, type TokenVerifier } from '@berth/access'
import type { BasicCredentials } from './basic-credentials.ts'
import { type Caller, callerOfClaims, type Need } from './caller.ts'
import { NotAuthorized } from './not-authorized.ts'

export interface Authenticator {
  /**
   * Reads an `Authorization` header. A token is verified here, basic credentials are shown to core.
   *
   * @throws {NotAuthorized} no header, a token that does not hold, or credentials that are nobody's
   * @throws {Unavailable} core or the keys are needed and cannot be had
   */
  callerOf(authorization: string | undefined, needs: readonly Need[], address?: string): Promise<Caller>
}

export function authenticator(tokens: TokenVerifier, basic: BasicCredentials): Authenticator {
  return {
    async callerOf(authorization, needs, address) {
      const [need] = needs
      if (authorization === undefined || authorization === '') throw new NotAuthorized('token', need)
      if (/^basic /i.test(authorization)) return basic.callerOf(authorization, needs, address)
      const token = /^bearer +(\S+)$/i.exec(authorization)?.[1]
      if (token === undefined) throw new NotAuthorized('denied', need)
      try {
        return callerOfClaims(await tokens.verify(token))
      } catch (err) {
        if (err instanceof TokenInvalid) throw new NotAuthorized('stale-token', need, err)
        throw err
      }
    },
  }
}
