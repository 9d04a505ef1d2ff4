import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { Unavailable } from '@berth/errors'
import { type Bus, type Delivered, followBatches, knowBucket } from '@berth/messaging'
import { Counter, type Logger, type Registry } from '@berth/runtime'
import {
  type AuditLine,
  auditRecorded,
  EventEnvelope,
  findSyslogTarget,
  type SettingKey,
  type SyslogTarget,
} from '@berth/types'
import { formatSyslog, frameMessages } from './syslog-message.ts'
import { createSyslogSender, type Dial } from './syslog-sender.ts'

const ENDPOINT: SettingKey = 'audit_log_forward_endpoint'
const MAX_TOGETHER = 500
const FIRST_PAUSE_MS = 500
/** Less than the stream waits for an acknowledgement. */
const LONGEST_PAUSE_MS = 10_000

/**
 * Sends the audit log to the syslog receiver the settings name. Lines wait in the stream until they are sent, in their
 * order and as long as nobody has said where to, and are thrown away when there is no receiver any more.
 */
export function startForwarding(parts: { bus: Bus; dial: Dial; log: Logger; metrics: Registry }): {
  stop(): Promise<void>
} {
  const { bus, dial, log, metrics } = parts
  const sent = new Counter({
    name: 'berth_audit_forwarded_total',
    help: 'Lines of the audit log sent to syslog',
    registers: [metrics],
  })
  const failures = new Counter({
    name: 'berth_audit_forward_failures_total',
    help: 'Times lines of the audit log could not be sent to syslog; they are sent again',
    registers: [metrics],
  })
  const settings = knowBucket(bus, 'settings', log)
  const sender = createSyslogSender(dial)
  const stopping = new AbortController()
  let pauseMs = FIRST_PAUSE_MS

  function read({ data, sequence }: Delivered): AuditLine[] {
    try {
      const event = EventEnvelope.parse(JSON.parse(new TextDecoder().decode(data)))
      return [auditRecorded.data.parse(event.data).line]
    } catch (err) {
      log.error('a line of the audit log cannot be read and is not forwarded', { sequence, err })
      return []
    }
  }

  /** Where to, now; `undefined`: nowhere. */
  async function findTarget(): Promise<SyslogTarget | undefined> {
    const endpoint = (await settings).get(ENDPOINT)
    // Core says so even of nowhere: a bucket that has just been made says nothing yet.
    if (endpoint === undefined) throw new Unavailable('it is not known yet where the audit log goes')
    return findSyslogTarget(String(endpoint))
  }

  async function send(batch: readonly Delivered[]): Promise<void> {
    const target = await findTarget()
    if (target === undefined) return sender.close()
    const messages = batch.flatMap(read).map((line) => formatSyslog(line, hostname()))
    if (messages.length === 0) return
    await sender.send(target, frameMessages(messages))
    sent.inc(messages.length)
    pauseMs = FIRST_PAUSE_MS
  }

  async function handle(batch: readonly Delivered[]): Promise<void> {
    try {
      await send(batch)
    } catch (err) {
      failures.inc()
      // They come again a second after we say that it failed.
      await sleep(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined)
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
      throw err
    }
  }

  const following = followBatches(bus, 'log-collector-audit', { log, maxMessages: MAX_TOGETHER, handle })
  return {
    async stop() {
      stopping.abort()
      await following.stop()
      sender.close()
    },
  }
}
