import type { DataDir } from './data-dir.ts'
import type { Suite } from './suite-file.ts'
import { renderTable } from './table.ts'

/** What a suite says when it is ready: what runs where, where its data lies, and the line scripts wait for, last. */
export function announcement(
  suite: Suite,
  data: Pick<DataDir, 'path' | 'postgresHome'>,
  admin: { password: string; path: string } | undefined,
): string[] {
  const rows = [
    ...suite.parts.map(({ name, pid, port }) => [name, '', String(pid), `127.0.0.1:${port}`, '']),
    ...suite.processes.map((one) => [one.service, String(one.replica), String(one.pid), one.http, one.admin]),
  ]
  const isElsewhere = suite.parts.some(({ name }) => name === 'postgres') && !data.postgresHome.startsWith(data.path)
  return [
    renderTable(['service', 'replica', 'pid', 'door', 'private door'], rows),
    `Data: ${data.path}${isElsewhere ? `, Postgres in ${data.postgresHome}` : ''}`,
    ...(admin ? [`Log in as admin with password ${admin.password} (shown once, kept in ${admin.path})`] : []),
    `Berth is ready at ${suite.url}`,
  ]
}
