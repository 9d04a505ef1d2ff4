import type { NatsPermissions } from '@berth/types'

/** Somebody who may connect, and what they may do. */
export interface NatsAccount {
  user: string
  pass: string
  permissions: NatsPermissions | 'everything'
}

export interface NatsConfig {
  port: number
  storeDir: string
  pidFile: string
  users: readonly NatsAccount[]
}

/** The text of `nats-server.conf`. It holds passwords: write it for its owner alone. */
export function renderNatsConfig(config: NatsConfig): string {
  return `# Written at every start and by "berth nats user"; changes made here are lost.
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
authorization {
  timeout: 5
  users: [
${config.users.map(renderUser).join('\n')}
  ]
}
`
}

function renderUser({ user, pass, permissions }: NatsAccount): string {
  const who = `    { user: ${quote(user)}, password: ${quote(pass)}`
  if (permissions === 'everything') return `${who} }`
  const responses = permissions.allowResponses ? ', allow_responses: { max: 100, expires: "1m" }' : ''
  return `${who}, permissions: { publish: ${allow(permissions.publish)}, subscribe: ${allow(permissions.subscribe)}${responses} } }`
}

/** An empty list would mean "no limit" to the server, so nothing is said as a refusal of everything. */
function allow(subjects: readonly string[]): string {
  if (subjects.length === 0) return '{ deny: [">"] }'
  return `{ allow: [${subjects.map(quote).join(', ')}] }`
}

/** The grammar's strings know the escapes of JSON but `\u`, and none of ours holds what would need it. */
function quote(text: string): string {
  if (/[^\x20-\x7e\u00a0-\uffff]/.test(text)) throw new Error('a control character in the configuration of nats-server')
  return JSON.stringify(text)
}
