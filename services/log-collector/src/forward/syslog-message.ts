import type { AuditLine } from '@berth/types'

/** Facility 13, log audit. */
const FACILITY = 13
const WARNING = 4
const INFORMATIONAL = 6
const MAX_TEXT = 500
const MAX_SHOWN = 200
const BOM = '\uFEFF'
/** The number RFC 5612 keeps for those who have none of their own. */
const DATA_ID = 'audit@32473'

/** One line of the audit log as a message of syslog. @see RFC 5424, section 6 */
export function formatSyslog(line: AuditLine, hostname: string): string {
  const severity = line.succeeded ? INFORMATIONAL : WARNING
  const head = [
    `<${FACILITY * 8 + severity}>1`,
    line.occurredAt,
    printable(hostname, 255),
    'berth',
    '-',
    printable(`${line.operation}_${line.resourceType}`, 32),
  ]
  return `${head.join(' ')} ${structuredData(line)} ${withBom(sentenceOf(line))}`
}

/** Messages one after another, each with its length in bytes before it. @see RFC 6587, 3.4.1; RFC 5425, 4.3 */
export function frameMessages(messages: readonly string[]): Buffer {
  return Buffer.concat(
    messages.map((message) => {
      const bytes = Buffer.from(message)
      return Buffer.concat([Buffer.from(`${bytes.length} `), bytes])
    }),
  )
}

function sentenceOf({ username, operation, resourceType, resource, succeeded }: AuditLine): string {
  return `${plain(username)} ${operation} ${resourceType} ${plain(resource).slice(0, MAX_SHOWN)} ${succeeded ? 'done' : 'failed'}`
}

function structuredData(line: AuditLine): string {
  const facts: Record<string, string | number | undefined> = {
    id: line.id,
    user: line.username,
    operation: line.operation,
    resource_type: line.resourceType,
    resource: line.resource,
    result: line.succeeded ? 'success' : 'failure',
    description: line.description || undefined,
    project_id: line.projectId,
    address: line.address,
    request_id: line.requestId,
  }
  const parameters = Object.entries(facts).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}="${escaped(String(value))}"`],
  )
  return `[${[DATA_ID, ...parameters].join(' ')}]`
}

function escaped(text: string): string {
  return plain(text)
    .slice(0, MAX_TEXT)
    .toWellFormed()
    .replaceAll(/["\\\]]/g, '\\$&')
}

/** On one line, whatever somebody called a thing. */
function plain(text: string): string {
  return text.toWellFormed().replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
}

/** What the fields of the head may hold; `-` for nothing. */
function printable(text: string, max: number): string {
  return text.replaceAll(/[^\x21-\x7e]/g, '').slice(0, max) || '-'
}

/** A text that is more than ASCII begins with the mark of UTF-8. */
function withBom(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : `${BOM}${text.toWellFormed()}`
}
