import { BadRequest } from '@berth/errors'

/** It travels in a cookie, of which browsers keep 4 KiB. */
const MAX_CHARS = 1_000
const PATH = /^\/(?!\/)[\x21-\x5b\x5d-\x7e]*$/
const ANYWHERE = 'http://berth.invalid'

/**
 * Where a browser goes after signing in or out: a path of ours, `/` unless told. Browsers drop tabs and line ends and
 * read `\` as `/`, so that neither may stand in it.
 *
 * @throws {BadRequest} anything that could lead elsewhere
 */
export function parseLocalPath(text: string | undefined): string {
  if (text === undefined || text === '') return '/'
  if (text.length > MAX_CHARS || !PATH.test(text) || URL.parse(text, ANYWHERE)?.origin !== ANYWHERE) {
    throw new BadRequest('cannot redirect to other site')
  }
  return text
}
