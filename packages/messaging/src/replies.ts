import { Unavailable } from '@berth/errors'
import { createInbox, type Msg, type MsgHdrs, ErrorCode as NatsCode, type NatsConnection, NatsError } from 'nats'

/** Questions on their way, and the one inbox their answers come to. */
export interface Replies {
  /**
   * Sends a question and resolves with whatever answers it first.
   *
   * @throws {Unavailable} nobody listens there (at once), nobody answered in time, or the connection was closed
   * @throws {NatsError} PERMISSIONS_VIOLATION: the server does not let us ask there
   */
  ask(subject: string, payload: string, options: { headers: MsgHdrs; timeoutMs: number }): Promise<Msg>
  /** The server would not take what was sent to this subject. */
  refused(subject: string): void
}

interface Waiting {
  subject: string
  timer: NodeJS.Timeout
  resolve(answer: Msg): void
  reject(err: Error): void
}

/**
 * What the client library's `request` does, which makes an error with its stack for every question that might fail: a
 * twentieth of what core does for a page of artifacts.
 */
export function createReplies(connection: NatsConnection, prefix: string): Replies {
  const inbox = createInbox(prefix)
  const waiting = new Map<string, Waiting>()
  let asked = 0

  function settle(token: string): Waiting | undefined {
    const one = waiting.get(token)
    if (one === undefined) return undefined
    waiting.delete(token)
    clearTimeout(one.timer)
    return one
  }

  connection.subscribe(`${inbox}.*`, {
    callback: (err, message) => {
      if (err) return
      const one = settle(message.subject.slice(inbox.length + 1))
      if (message.data.length === 0 && message.headers?.code === 503) one?.reject(new Unavailable('nobody listens'))
      else one?.resolve(message)
    },
  })
  void connection.closed().then(() => {
    for (const token of [...waiting.keys()]) settle(token)?.reject(new Unavailable('the connection was closed'))
  })

  return {
    ask: (subject, payload, { headers, timeoutMs }) =>
      new Promise((resolve, reject) => {
        const token = String(++asked)
        const timer = setTimeout(() => settle(token)?.reject(new Unavailable('no answer in time')), timeoutMs)
        waiting.set(token, { subject, timer, resolve, reject })
        try {
          connection.publish(subject, payload, { reply: `${inbox}.${token}`, headers })
        } catch (err) {
          settle(token)
          reject(err as Error)
        }
      }),
    refused(subject) {
      for (const [token, one] of [...waiting]) {
        if (one.subject === subject)
          settle(token)?.reject(new NatsError(`not allowed: ${subject}`, NatsCode.PermissionsViolation))
      }
    },
  }
}
