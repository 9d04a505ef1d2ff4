import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { connect, headers } from 'nats'

/** Connects as the user of a file that `berth nats user add` wrote. */
export async function connectSuite(credentialsFile) {
  const { servers, user, pass, inboxPrefix, account, consumer } = JSON.parse(await readFile(credentialsFile, 'utf8'))
  // Answers are only let through to our own inbox, so the prefix is not a matter of taste.
  const connection = await connect({ servers, user, pass, inboxPrefix, name: user, maxReconnectAttempts: -1 })

  /** Asks a service; subjects and shapes are those of docs/asyncapi.json. */
  async function ask(subject, request, { token, timeoutMs = 5_000 } = {}) {
    const sent = headers()
    // Found again in the log lines of every service the question reaches: berth logs --request-id …
    sent.set('x-request-id', `${user}-${randomUUID()}`)
    sent.set('x-berth-deadline', new Date(Date.now() + timeoutMs).toISOString())
    if (token) sent.set('authorization', `Bearer ${token}`)
    const answer = await connection.request(subject, JSON.stringify(request), { headers: sent, timeout: timeoutMs })
    const body = answer.json()
    if (!answer.headers?.get('Nats-Service-Error-Code')) return body
    throw Object.assign(new Error(body.message), { code: body.code })
  }

  /** A token for what our robot account may do with a repository; it holds for some minutes, so keep it meanwhile. */
  async function tokenFor(repository) {
    const credentials = account
      ? { kind: 'basic', username: account.name, password: account.secret }
      : { kind: 'anonymous' }
    const scopes = [{ type: 'repository', name: repository, actions: ['pull'] }]
    return (await ask('svc.token.v1.access.issue', { credentials, scopes })).token
  }

  return { connection, consumer, ask, tokenFor }
}
