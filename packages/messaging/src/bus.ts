import { Unavailable } from '@berth/errors'
import type { Logger, NatsSettings } from '@berth/runtime'
import type { Ask, RequestOf, ResponseOf } from '@berth/types'
import { connect, createInbox, credsAuthenticator, type JetStreamClient, type NatsConnection } from 'nats'
import { askOver } from './ask.ts'
import { createReplies } from './replies.ts'

/** Our one connection to NATS, with what every part of this package needs of it. */
export interface Bus {
  readonly connection: NatsConnection
  readonly jetstream: JetStreamClient
  /** False while NATS is away; asks then fail at once. */
  readonly connected: boolean
  /**
   * Asks another service and waits for the answer.
   *
   * @throws {DomainError} what the other service answered, with its code
   * @throws {Unavailable} nobody answers to that subject, NATS is away, or the deadline passed
   */
  ask<A extends Ask>(ask: A, request: RequestOf<A>, options?: AskOptions): Promise<ResponseOf<A>>
  /** A fresh subject only we may listen on. */
  inbox(): string
  /** What is to be published before the connection is closed. */
  beforeClose(work: () => void): void
  /** Lets running answers finish and closes the connection. */
  close(): Promise<void>
}

export interface AskOptions {
  /** The token of the person the call is made for. */
  token?: string
  timeoutMs?: number
}

const DIAL_PATIENCE_MS = 600_000

/** `user` is our NATS user and the prefix of our inbox. Resolves once connected; from then on reconnects for ever. */
export async function connectBus(options: { user: string; nats: NatsSettings; log: Logger }): Promise<Bus> {
  const { user, nats, log } = options
  const connection = await connect({
    servers: nats.url.split(','),
    name: `berth-${user}`,
    ...(nats.creds ? { authenticator: credsAuthenticator(new TextEncoder().encode(nats.creds)) } : {}),
    ...(nats.user ? { user: nats.user, pass: nats.pass } : {}),
    inboxPrefix: `_INBOX_${user}`,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 100,
    waitOnFirstConnect: true,
    // A dial to a frozen server is accepted by the kernel and waits. The client cannot give one up: it would greet us
    // when the server thaws, be closed by it, and take the good connection for lost, after which there are two.
    timeout: DIAL_PATIENCE_MS,
    // A server that is frozen rather than gone is noticed within six seconds.
    pingInterval: 2_000,
    maxPingOut: 2,
  })
  const replies = createReplies(connection, `_INBOX_${user}`)
  let connected = true
  void (async () => {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') {
        connected = false
        log.warn('lost the connection to NATS')
      } else if (status.type === 'reconnect') {
        connected = true
        log.info('connected to NATS again')
      } else if (status.type === 'error') {
        log.error('NATS refused something', { code: String(status.data), permission: status.permissionContext })
        if (status.permissionContext?.operation === 'publish') replies.refused(status.permissionContext.subject)
      }
    }
  })()
  const lastWords: (() => void)[] = []
  const bus: Bus = {
    connection,
    jetstream: connection.jetstream({ checkAPI: false, timeout: 3_000 }),
    get connected() {
      return connected && !connection.isClosed()
    },
    ask: (ask, request, more = {}) => {
      if (!bus.connected) return Promise.reject(new Unavailable(`${ask.service} cannot be reached`))
      return askOver(replies, ask, request, more)
    },
    inbox: () => createInbox(`_INBOX_${user}`),
    beforeClose: (work) => void lastWords.push(work),
    close: async () => {
      if (connection.isClosed()) return
      for (const work of lastWords) work()
      if (connected) await connection.drain()
      else await connection.close()
    },
  }
  return bus
}
