import type { LogSink } from '@berth/runtime'
import { logSubject } from '@berth/types'
import type { Bus } from './bus.ts'

const MAX_BYTES = 64 * 1024
/** Lines of one process are gathered so long; under load a message holds many, and costs what one line did. */
const GATHER_MS = 10

/**
 * Publishes log lines without waiting: several of one subject in a message, a newline between them; an error or warning
 * at once. While NATS is away lines are dropped; their numbers show the gap.
 */
export function sayTo(bus: Bus): LogSink {
  let gathered: string[] = []
  let chars = 0
  let subject = ''
  let timer: NodeJS.Timeout | undefined

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    if (gathered.length === 0) return
    const text = gathered.join('\n')
    gathered = []
    chars = 0
    if (bus.connected) bus.connection.publish(subject, text)
  }

  bus.beforeClose(flush)
  return ({ service, level, json }) => {
    if (!bus.connected || json.length > MAX_BYTES) return
    const own = logSubject(service, level)
    if (own !== subject || chars + json.length > MAX_BYTES) flush()
    subject = own
    gathered.push(json)
    chars += json.length + 1
    if (level === 'error' || level === 'warn') flush()
    else timer ??= setTimeout(flush, GATHER_MS)
  }
}
