import type { NatsPermissions } from '@berth/types'

/** Somebody who may connect, and what they may do. */
export interface NatsAccount {
  user: string
  pass: string
  permissions: NatsPermissions | 'everything'
}

export interface NatsConfig {
  port: number
  /** nats-server makes `jetstream` in it. */
  storeDir: string
  pidFile: string
  /** Name of the file with the users, beside this one. */
  usersFile: string
}

/** The text of `nats-server.conf`. */
export function renderNatsConfig(config: NatsConfig): string {
  return `# Written at every start; changes made here are lost.
listen: ${quote(`127.0.0.1:${config.port}`)}
server_name: "berth"
pid_file: ${quote(config.pidFile)}
logtime: false
max_payload: 1MB
max_pending: 16MB
ping_interval: "20s"
jetstream {
  store_dir: ${quote(config.storeDir)}
  max_memory_store: 64MB
  max_file_store: 16GB
  sync_interval: "10s"
}
include ${quote(config.usersFile)}
`
}

/** The text of the file with the users. It holds passwords: write it for its owner alone. */
export function renderNatsUsers(users: readonly NatsAccount[]): string {
  return `# Written at every start and by "berth nats user"; changes made here are lost.
authorization {
  timeout: 5
  users: [
${users.map(renderUser).join('\n')}
  ]
}
`
}

function renderUser({ user, pass, permissions }: NatsAccount): string {
  const who = `    { user: ${quote(user)}, password: ${quote(pass)}`
  if (permissions === 'everything') return `${who} }`
  const { publish, subscribe, allowResponses } = permissions
  const responses = allowResponses ? ', allow_responses: { max: 100, expires: "1m" }' : ''
  return `${who}, permissions: { publish: ${allow(publish)}, subscribe: ${allow(subscribe)}${responses} } }`
}

/** An empty list would mean "no limit" to the server, so it is said as a refusal of everything. */
function allow(subjects: readonly string[]): string {
  if (subjects.length === 0) return '{ deny: [">"] }'
  return `{ allow: [${subjects.map(quote).join(', ')}] }`
}

/** The grammar's strings know JSON's escapes of quote and backslash; control characters have no place in any of ours. */
function quote(text: string): string {
  if (/\p{Cc}/u.test(text)) throw new Error('a control character in the configuration of nats-server')
  return JSON.stringify(text)
}
