import type { IncomingMessage } from 'node:http'
import { DomainError } from '@berth/errors'

const MAX_BYTES = 16 * 1024

class LoginFormTooLarge extends DomainError {
  override name = 'LoginFormTooLarge'
  readonly code = 'REQUEST_ENTITY_TOO_LARGE'
}

/**
 * Reads the form of a web login, to know it again when it comes once more. The only body we hold.
 *
 * @throws {LoginFormTooLarge} more than 16 KiB
 */
export async function readLoginForm(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of req.iterator({ destroyOnReturn: false })) {
    size += (chunk as Buffer).length
    if (size > MAX_BYTES) throw new LoginFormTooLarge('the login form is larger than 16 KiB')
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks)
}
