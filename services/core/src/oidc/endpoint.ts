import { BadRequest } from '@berth/errors'

/**
 * The address of a provider, which is also the name it signs its tokens with.
 *
 * @throws {BadRequest} no http or https URL, with credentials, a query or a fragment in it, or already that of the
 * metadata: then nobody could tell whether the name is the right one
 */
export function parseEndpoint(text: string): URL {
  const url = URL.parse(text)
  const isWeb = url?.protocol === 'https:' || url?.protocol === 'http:'
  if (!url || !isWeb || url.username !== '' || url.password !== '' || /[?#]|\/\.well-known\//.test(text)) {
    throw new BadRequest('the endpoint must be the http or https URL of an OpenID provider')
  }
  return url
}
