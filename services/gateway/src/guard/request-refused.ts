import { DomainError, type ErrorCode } from '@berth/errors'

/** A request no service behind us may see: it can be read in two ways, or says nothing we could pass on. */
export class RequestRefused extends DomainError {
  override name = 'RequestRefused'
  readonly code: ErrorCode

  constructor(message: string, options: { code?: ErrorCode; status?: number } = {}) {
    super(message, { status: options.status })
    this.code = options.code ?? 'BAD_REQUEST'
  }
}
