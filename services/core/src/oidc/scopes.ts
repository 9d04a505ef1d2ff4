const GOOGLE = 'https://accounts.google.com/'
const OFFLINE = 'offline_access'

/**
 * What is asked of the provider beside what signs this browser in. `openid` is always among the scopes. Google has
 * another word for staying signed in, and wants to be asked for consent again to give a refresh token.
 */
export function authorizationParameters(
  authorizationEndpoint: string,
  settings: { scope: string; extraParameters: Readonly<Record<string, string>> },
): Record<string, string> {
  const asked = settings.scope.split(/[\s,]+/).filter((scope) => scope !== '')
  const scopes = [...new Set(['openid', ...asked])]
  const google = authorizationEndpoint.startsWith(GOOGLE)
  return {
    ...(google ? { access_type: 'offline', prompt: 'consent' } : {}),
    ...settings.extraParameters,
    scope: scopes.filter((scope) => !google || scope !== OFFLINE).join(' '),
  }
}
