import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connectBus, putKnown, tellEvent } from '@berth/messaging'
import { natsSettings, silentLogger } from '@berth/runtime'
import { openSyslogReceiver, type SyslogReceiver, type TempDir, tempDir } from '@berth/testkit'
import { type AuditLine, auditRecorded, type EventEnvelope } from '@berth/types'
import { generate } from 'selfsigned'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openSurroundings, type Surroundings } from '../testing/harness.ts'

let around: Surroundings
let files: TempDir
let collector: Awaited<ReturnType<Surroundings['startCollector']>> | undefined
const receivers: SyslogReceiver[] = []
const eventually = { timeout: 30_000, interval: 100 }

beforeAll(async () => {
  ;[around, files] = await Promise.all([openSurroundings(), tempDir('syslog')])
})
afterEach(async () => {
  await collector?.stop()
  collector = undefined
  for (const receiver of receivers.splice(0)) await receiver.stop()
})
afterAll(async () => {
  await around.stop()
  await files.remove()
})

const start = async (env: NodeJS.ProcessEnv = {}) => {
  collector = await around.startCollector({ BERTH_EGRESS_ALLOW: '127.0.0.1', ...env })
}

async function receive(options: Parameters<typeof openSyslogReceiver>[0] = {}): Promise<SyslogReceiver> {
  const receiver = await openSyslogReceiver(options)
  receivers.push(receiver)
  return receiver
}

const forwardTo = (endpoint: string) => putKnown(around.core, 'settings', 'audit_log_forward_endpoint', endpoint)

let told = 0
async function tell(over: Partial<AuditLine> = {}): Promise<AuditLine> {
  const line: AuditLine = {
    id: randomUUID(),
    occurredAt: new Date().toISOString(),
    username: 'alice',
    operation: 'create',
    resourceType: 'project',
    resource: `p${++told}`,
    description: '',
    succeeded: true,
    ...over,
  }
  const { id, occurredAt } = line
  const event: EventEnvelope = { id, type: auditRecorded.subject, occurredAt, revision: 0, data: { line } }
  const messageId = `core:${told}`
  await tellEvent(around.core, { subject: auditRecorded.subject, messageId, payload: JSON.stringify(event) })
  return line
}

async function certificate(): Promise<string> {
  const made = await generate([{ name: 'commonName', value: 'a receiver' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
  })
  return `${made.private.trim()}\n${made.cert.trim()}\n`
}

/** How many lines nobody has acknowledged, and how many of them came again. */
async function linesInStream(): Promise<{ waiting: number; again: number }> {
  const bus = await connectBus({ user: 'everything', nats: natsSettings(around.nats.url), log: silentLogger })
  const manager = await bus.connection.jetstreamManager({ checkAPI: false })
  const info = await manager.consumers.info('EVENTS', 'log-collector-audit')
  await bus.close()
  return { waiting: info.num_pending + info.num_ack_pending, again: info.num_redelivered }
}

describe('the audit log', () => {
  it('waits until it is known where it goes', async () => {
    await start()
    const line = await tell()
    await expect.poll(async () => (await linesInStream()).again, { timeout: 8_000, interval: 100 }).toBe(1)
    const receiver = await receive()
    await forwardTo(`127.0.0.1:${receiver.port}`)
    await expect.poll(() => receiver.messages.length, eventually).toBe(1)
    expect(receiver.messages[0]).toContain(line.id)
  })

  it('is forwarded nowhere while no receiver is named, and what was told then is gone', async () => {
    await forwardTo('')
    await start()
    const before = await tell()
    await expect.poll(async () => (await linesInStream()).waiting, eventually).toBe(0)
    const receiver = await receive()
    await forwardTo(`127.0.0.1:${receiver.port}`)
    const after = await tell()
    await expect.poll(() => receiver.messages.length, eventually).toBe(1)
    expect(receiver.messages[0]).toContain(after.id)
    expect(receiver.messages[0]).not.toContain(before.id)
  })

  it('goes to a receiver over TCP, each line once and in order', async () => {
    const receiver = await receive()
    await forwardTo(`127.0.0.1:${receiver.port}`)
    await start()
    const lines: AuditLine[] = []
    for (let n = 0; n < 20; n++) lines.push(await tell({ succeeded: n % 2 === 0 }))
    await expect.poll(() => receiver.messages.length, eventually).toBe(20)
    for (const [n, line] of lines.entries()) {
      expect(receiver.messages[n]).toMatch(n % 2 === 0 ? /^<110>1 / : /^<108>1 /)
      expect(receiver.messages[n]).toContain(` ${line.occurredAt} `)
      expect(receiver.messages[n]).toContain(`[audit@32473 id="${line.id}" user="alice"`)
      expect(receiver.messages[n]).toContain(`resource="${line.resource}"`)
    }
    expect(receiver.connections).toBe(1)
    const metrics = await (await fetch(`${collector?.admin}/metrics`)).text()
    expect(metrics).toMatch(/^berth_audit_forwarded_total\{.*\} 20$/m)
  })

  it('goes over TLS to a receiver whose certificate is trusted, and to no other', async () => {
    const [trusted, foreign] = [await certificate(), await certificate()]
    const ca = join(files.path, 'receiver.pem')
    await writeFile(ca, trusted.slice(trusted.indexOf('-----BEGIN CERTIFICATE')))
    const stranger = await receive({ pem: foreign })
    const receiver = await receive({ pem: trusted })
    await forwardTo(`tls://127.0.0.1:${stranger.port}`)
    await start({ BERTH_LOG_COLLECTOR_SYSLOG_CA: ca })
    const line = await tell()
    const failures = async () => (await fetch(`${collector?.admin}/metrics`)).text()
    await expect.poll(failures, eventually).toMatch(/^berth_audit_forward_failures_total\{.*\} [1-9]/m)
    expect(stranger.messages).toEqual([])
    await forwardTo(`tls://127.0.0.1:${receiver.port}`)
    await expect.poll(() => receiver.messages.length, eventually).toBe(1)
    expect(receiver.messages[0]).toContain(`id="${line.id}"`)
  })

  it('waits for a receiver that is away, and goes on when it hangs up', async () => {
    const first = await receive()
    await forwardTo(`tcp://127.0.0.1:${first.port}`)
    await start()
    const lines = [await tell()]
    await expect.poll(() => first.messages.length, eventually).toBe(1)
    await first.stop()
    receivers.splice(0)
    lines.push(await tell(), await tell())
    const again = await receive({ port: first.port })
    // What the system took over just before it noticed may be lost; nothing after that is.
    await expect
      .poll(async () => {
        await tell({ resource: 'once more' })
        return again.messages.length
      }, eventually)
      .toBeGreaterThan(0)
    again.hangUp()
    await expect
      .poll(async () => {
        await tell({ resource: 'after hanging up' })
        return again.messages.some((message) => message.includes('after hanging up'))
      }, eventually)
      .toBe(true)
    expect(again.connections).toBeGreaterThan(1)
  })

  it('does not go where connections may not go', async () => {
    const receiver = await receive()
    await forwardTo(`127.0.0.1:${receiver.port}`)
    await start({ BERTH_EGRESS_ALLOW: '' })
    await tell()
    const failures = async () => (await fetch(`${collector?.admin}/metrics`)).text()
    await expect.poll(failures, eventually).toMatch(/^berth_audit_forward_failures_total\{.*\} [1-9]/m)
    expect([receiver.connections, receiver.messages]).toEqual([0, []])
  })
})
