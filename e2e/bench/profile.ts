import { cpuSeconds, type Watched } from '../src/proc.ts'
import { sleep } from '../src/process.ts'
import type { Contender } from './measure.ts'

/** Where a process that was signalled lets itself be inspected. */
const INSPECTOR = 'http://127.0.0.1:9229/json'
const INTERVAL_US = 250
const TOP = 25
/** Of what all services together use. */
const LEAST_SHARE = 0.1

interface CallFrame {
  functionName: string
  url: string
  lineNumber: number
}
interface CpuProfile {
  nodes: { id: number; callFrame: CallFrame }[]
  samples: number[]
  timeDeltas: number[]
}

/** One process while it worked: how busy, and the functions it spent its own time in. */
export interface ServiceProfile {
  service: string
  busyShare: number
  top: { name: string; share: number }[]
}

/** Lets `work` go on while those services that have most to do with it are looked into, one after the other. */
export async function profileServices(
  contender: Pick<Contender, 'services'>,
  work: () => Promise<unknown>,
): Promise<ServiceProfile[]> {
  const services = await busiest((await contender.services?.()) ?? [], work)
  const profiles: ServiceProfile[] = []
  for (const { name, pid } of services) profiles.push(summary(name, await profileOf(pid, work)))
  return profiles.filter(({ busyShare }) => busyShare > 0.05)
}

async function busiest(services: readonly Watched[], work: () => Promise<unknown>): Promise<Watched[]> {
  const used = () => Promise.all(services.map(async ({ pid }) => (await cpuSeconds(pid)) ?? 0))
  const before = await used()
  await work()
  const after = await used()
  const each = services.map((service, n) => ({ service, seconds: (after[n] ?? 0) - (before[n] ?? 0) }))
  const all = each.reduce((sum, { seconds }) => sum + seconds, 0)
  return each
    .filter(({ seconds }) => seconds > LEAST_SHARE * all)
    .toSorted((a, b) => b.seconds - a.seconds)
    .map(({ service }) => service)
}

async function profileOf(pid: number, work: () => Promise<unknown>): Promise<CpuProfile> {
  process.kill(pid, 'SIGUSR1')
  await sleep(500)
  const [target] = (await (await fetch(INSPECTOR)).json()) as { webSocketDebuggerUrl: string }[]
  if (!target) throw new Error(`process ${pid} cannot be inspected`)
  const session = await openSession(target.webSocketDebuggerUrl)
  try {
    await session.call('Profiler.enable')
    await session.call('Profiler.setSamplingInterval', { interval: INTERVAL_US })
    await session.call('Profiler.start')
    await work()
    const { profile } = (await session.call('Profiler.stop')) as { profile: CpuProfile }
    return profile
  } finally {
    const expression = `setTimeout(() => process.getBuiltinModule('inspector').close(), 20)`
    await session.call('Runtime.evaluate', { expression })
    session.close()
    await sleep(200)
  }
}

async function openSession(url: string) {
  const socket = new WebSocket(url)
  const waiting = new Map<number, (result: unknown) => void>()
  let last = 0
  socket.onmessage = ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { id?: number; result?: unknown }
    if (id !== undefined) waiting.get(id)?.(result)
  }
  await new Promise((resolve, reject) => {
    socket.onopen = resolve
    socket.onerror = () => reject(new Error('the inspector cannot be reached'))
  })
  return {
    call: (method: string, params: object = {}) =>
      new Promise<unknown>((resolve) => {
        last += 1
        waiting.set(last, resolve)
        socket.send(JSON.stringify({ id: last, method, params }))
      }),
    close: () => socket.close(),
  }
}

function summary(service: string, { nodes, samples, timeDeltas }: CpuProfile): ServiceProfile {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]))
  const own = new Map<string, number>()
  for (const [at, id] of samples.entries()) {
    const name = names.get(id) ?? ''
    own.set(name, (own.get(name) ?? 0) + (timeDeltas[at] ?? 0))
  }
  const total = [...own.values()].reduce((sum, time) => sum + time, 0)
  const busy = total - (own.get('(idle)') ?? 0)
  own.delete('(idle)')
  const top = [...own]
    .toSorted((a, b) => b[1] - a[1])
    .slice(0, TOP)
    .map(([name, time]) => ({ name, share: time / busy }))
  return { service, busyShare: busy / total, top }
}

function nameOf({ functionName, url, lineNumber }: CallFrame): string {
  const name = functionName || '(anonymous)'
  if (url === '') return name
  const place = url.replace(/^.*\/node_modules\/(?:\.pnpm\/)?/, '').replace(/^file:.*\/(packages|services)\//, '$1/')
  return `${name} ${place}:${lineNumber + 1}`
}
