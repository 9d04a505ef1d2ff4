/** The headers of our messages. */
export const REQUEST_ID = 'x-request-id'
export const TRACEPARENT = 'traceparent'
/** ISO time after which nobody waits for the answer any more. */
export const DEADLINE = 'x-berth-deadline'
/** `Bearer <token>` of the person a call is made for. */
export const AUTHORIZATION = 'authorization'
/** Of the client an ask goes back to. */
export const ADDRESS = 'x-berth-address'
