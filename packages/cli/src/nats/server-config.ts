import type { NatsPermissions } from '@berth/types'

/** The setting of nats-server's environment that holds the password of a user. */
export function passwordVariable(user: string): string {
  return `BERTH_NATS_PASSWORD_${user.replaceAll('-', '_').toUpperCase()}`
}

/**
 * An `authorization` block for the configuration of a nats-server of somebody else. Passwords are read from the
 * server's environment, so the text holds none and the server refuses to start while one is missing.
 */
export function serverConfig(users: Readonly<Record<string, NatsPermissions>>): string {
  const blocks = Object.entries(users).map(([user, permissions]) => userBlock(user, permissions))
  return `authorization {\n  users: [\n${blocks.join('\n')}\n  ]\n}`
}

function userBlock(user: string, { publish, subscribe, allowResponses }: NatsPermissions): string {
  return [
    '    {',
    `      user: ${quote(user)}`,
    `      password: $${passwordVariable(user)}`,
    '      permissions: {',
    `        publish: ${subjects(publish)}`,
    `        subscribe: ${subjects(subscribe)}`,
    ...(allowResponses ? ['        allow_responses: { max: 100, expires: "1m" }'] : []),
    '      }',
    '    }',
  ].join('\n')
}

/** An empty list would be no limit at all to the server. */
function subjects(list: readonly string[]): string {
  if (list.length === 0) return '{ deny: [">"] }'
  return `{\n          allow: [\n${list.map((one) => `            ${quote(one)}`).join('\n')}\n          ]\n        }`
}

/** Subjects and names are printable ASCII, where the grammar's strings are those of JSON. */
function quote(text: string): string {
  return JSON.stringify(text)
}
