export { type Head, readHead } from './head.ts'
export { isHost, splitHost } from './host.ts'
export { parsePath } from './path.ts'
export { RequestRefused } from './request-refused.ts'
