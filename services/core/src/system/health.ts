import type { Database } from '@berth/db'
import type { Bus } from '@berth/messaging'
import { type ComponentHealth, healthCheck, type ServiceName } from '@berth/types'

interface SuiteHealth {
  status: 'healthy' | 'unhealthy'
  components: ComponentHealth[]
}

/** How the parts are doing; never throws, and answers within two seconds. */
export type Health = () => Promise<SuiteHealth>

const BOUND_MS = 1_500
const REMEMBERED_MS = 500
/** Who is asked, and which components each answers for. */
const ASKED: Partial<Record<ServiceName, readonly ComponentHealth['name'][]>> = {
  gateway: ['gateway'],
  'log-collector': ['log-collector'],
  registry: ['registry', 'storage'],
  token: ['token'],
}

/** Asks every part at once. Askers share one answer for half a second, so that asking often costs nothing. */
export function createHealth(deps: { bus: Bus; database: Pick<Database, 'check'> }): Health {
  const { bus, database } = deps
  let last: { at: number; answer: Promise<SuiteHealth> } | undefined

  async function look(): Promise<SuiteHealth> {
    const found = await Promise.all([
      Promise.resolve<ComponentHealth[]>([{ name: 'core', status: 'healthy' }]),
      checked('database', () => database.check()),
      checked('nats', () => roundTrip(bus)),
      ...Object.entries(ASKED).map(([service, names]) => asked(bus, service as ServiceName, names)),
    ])
    const components = found.flat().sort((a, b) => (a.name < b.name ? -1 : 1))
    const healthy = components.every(({ status }) => status === 'healthy')
    return { status: healthy ? 'healthy' : 'unhealthy', components }
  }

  return () => {
    if (!last || Date.now() - last.at > REMEMBERED_MS) last = { at: Date.now(), answer: look() }
    return last.answer
  }
}

async function checked(name: ComponentHealth['name'], check: () => Promise<void>): Promise<ComponentHealth[]> {
  try {
    await bounded(check())
    return [{ name, status: 'healthy' }]
  } catch {
    return [{ name, status: 'unhealthy', error: `${name} cannot be reached` }]
  }
}

async function asked(
  bus: Bus,
  service: ServiceName,
  names: readonly ComponentHealth['name'][],
): Promise<ComponentHealth[]> {
  try {
    const { components } = await bounded(bus.ask(healthCheck[service], {}, { timeoutMs: BOUND_MS }))
    return names.map((name) => components.find((one) => one.name === name) ?? unhealthy(name, 'says nothing about it'))
  } catch {
    return names.map((name) => unhealthy(name, `${service} cannot be reached`))
  }
}

function unhealthy(name: ComponentHealth['name'], error: string): ComponentHealth {
  return { name, status: 'unhealthy', error }
}

async function roundTrip(bus: Bus): Promise<void> {
  if (!bus.connected) throw new Error('not connected')
  await bus.connection.flush()
}

async function bounded<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), BOUND_MS)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
