const API = '/api/v2.0'
const REPOSITORIES = /^\/projects\/[^/]+\/repositories$/
const ARTIFACTS = /^\/projects\/[^/]+\/repositories\/[^/]+\/artifacts$/
const TAG = /^\/projects\/[^/]+\/repositories\/[^/]+\/artifacts\/[^/]+\/tags\/[^/]+$/

/**
 * Whether a CLI secret opens this: the registry and the token service, which name no path here, and what a client that
 * copies between registries needs of the API. Of everything else it opens nothing, so that a secret in a script's
 * settings is worth less than a person at a browser.
 */
export function opensToCliSecret(request: { method?: string; path?: string }): boolean {
  const { method, path } = request
  if (path === undefined) return true
  const inApi = path.startsWith(`${API}/`) ? path.slice(API.length).replace(/\/$/, '') : ''
  switch (method) {
    case 'GET':
    case 'HEAD':
      return (
        ['/projects', '/systeminfo', '/labels'].includes(inApi) || REPOSITORIES.test(inApi) || ARTIFACTS.test(inApi)
      )
    case 'POST':
      return inApi === '/projects'
    case 'DELETE':
      return TAG.test(inApi)
    default:
      return false
  }
}
