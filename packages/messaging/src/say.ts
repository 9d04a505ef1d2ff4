import type { LogSink } from '@berth/runtime'
import { logSubject } from '@berth/types'
import type { Bus } from './bus.ts'

const MAX_LINE_BYTES = 64 * 1024

/** Publishes log lines without waiting. While NATS is away lines are dropped; their numbers show the gap. */
export function sayTo(bus: Bus): LogSink {
  return ({ service, level, json }) => {
    if (!bus.connected || json.length > MAX_LINE_BYTES) return
    bus.connection.publish(logSubject(service, level), json)
  }
}
