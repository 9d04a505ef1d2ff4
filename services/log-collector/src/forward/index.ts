export { dialBy } from './dial.ts'
export { startForwarding } from './forwarder.ts'
