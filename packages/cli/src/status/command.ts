import { ComponentHealth } from '@berth/types'
import type { Command } from 'commander'
import { z } from 'zod'
import { openApi } from '../api.ts'
import type { Target } from '../context/target.ts'
import { CommandFailed } from '../exit.ts'
import { findSuite } from '../local-suite.ts'
import { openSession, type Session } from '../session.ts'
import { mebibytes } from '../table.ts'
import type { World } from '../terminal.ts'
import { readProcessTree } from './memory.ts'

const Health = z.object({
  status: z.string(),
  components: z.array(ComponentHealth.extend({ name: z.string(), status: z.string() })),
})
type Health = z.output<typeof Health>

interface ProcessStatus {
  service: string
  replica: number
  pid: number
  running: boolean
  memoryBytes?: number
  /** Its door; of Postgres and nats-server without a scheme. */
  http?: string
  admin?: string
}

/** `berth status`: what `GET /api/v2.0/health` says and, on the suite's own machine, its processes. */
export function statusCommand(program: Command, world: World): void {
  program
    .command('status')
    .description('how the suite is doing; exit code 1 when a part is not healthy')
    .action(async (_options: unknown, command: Command) => {
      const session = openSession(world, command)
      const target = await session.target()
      const api = openApi(target, { anonymous: true })
      const { value: health } = await api.call('GET', '/api/v2.0/health', { shape: Health, signal: world.stop })
      const processes = await localProcesses(target)
      show(session, target, health, processes)
      const ill = [
        ...health.components.filter((one) => one.status !== 'healthy').map((one) => one.name),
        ...(processes ?? []).filter((one) => !one.running).map((one) => `${one.service} (pid ${one.pid})`),
      ]
      if (ill.length > 0 || health.status !== 'healthy') throw new CommandFailed(`not well: ${ill.join(', ')}`)
    })
}

async function localProcesses(target: Target): Promise<ProcessStatus[] | undefined> {
  const suite = target.directory === undefined ? undefined : await findSuite(target.directory)
  if (!suite) return undefined
  const parts: Omit<ProcessStatus, 'running'>[] = [
    { service: 'supervisor', replica: 0, pid: suite.pid },
    ...suite.parts.map(({ name, pid, port }) => ({ service: name, replica: 0, pid, http: `127.0.0.1:${port}` })),
    ...suite.processes,
  ]
  const tree = await readProcessTree(new Set(parts.map(({ pid }) => pid)))
  return Promise.all(
    parts.map(async (part) => ({
      ...part,
      running: tree.isRunning(part.pid),
      memoryBytes: await tree.memoryBytes(part.pid),
    })),
  )
}

function show({ terminal }: Session, target: Target, health: Health, processes: ProcessStatus[] | undefined): void {
  const known = (processes ?? []).flatMap(({ memoryBytes }) => (memoryBytes === undefined ? [] : [memoryBytes]))
  const memoryBytes = processes && known.reduce((sum, bytes) => sum + bytes, 0)
  if (terminal.output === 'json') {
    terminal.json({ context: target.name, url: target.url, ...health, processes, memoryBytes })
    return
  }
  const colourOf = (status: string) => (status === 'healthy' ? 'green' : 'red')
  terminal.line(`${target.url} is ${terminal.paint(colourOf(health.status), health.status)}`)
  terminal.line('')
  terminal.rows(health.components, [
    { title: 'COMPONENT', of: (row) => row.name },
    { title: 'STATUS', of: (row) => row.status, paint: (text, row) => terminal.paint(colourOf(row.status), text) },
    { title: 'ERROR', of: (row) => row.error ?? '' },
  ])
  if (!processes) return
  terminal.line('')
  terminal.rows(
    [...processes, { service: 'together', memoryBytes }],
    [
      {
        title: 'PROCESS',
        of: (row) => ('replica' in row && row.replica > 0 ? `${row.service} ${row.replica}` : row.service),
      },
      {
        title: 'PID',
        align: 'right',
        of: (row) => ('pid' in row ? (row.running ? row.pid : 'gone') : ''),
        paint: (text) => (text.includes('gone') ? terminal.paint('red', text) : text),
      },
      { title: 'MEMORY', align: 'right', of: (row) => mebibytes(row.memoryBytes) },
      { title: 'DOOR', of: (row) => ('http' in row ? (row.http ?? '') : '') },
      { title: 'ADMIN', of: (row) => ('admin' in row ? (row.admin ?? '') : '') },
    ],
  )
}
