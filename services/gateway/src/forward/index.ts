export type { Answer } from './answer-head.ts'
export { createForwarder, type Forwarder, type Passing } from './forward.ts'
export { ForwardFailed } from './forward-failed.ts'
export { clientHeaders, upstreamHeaders } from './headers.ts'
