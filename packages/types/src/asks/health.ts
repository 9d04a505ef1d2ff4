import { z } from 'zod'
import { type Ask, defineAsk } from '../ask.ts'
import { SERVICES, type ServiceName } from '../services.ts'

/** The parts of a suite, as `GET /api/v2.0/health` names them. */
export const COMPONENTS = [
  'core',
  'database',
  'gateway',
  'jobservice',
  'log-collector',
  'nats',
  'portal',
  'proxy-cache',
  'registry',
  'storage',
  'token',
] as const

export const ComponentHealth = z.object({
  name: z.enum(COMPONENTS),
  status: z.enum(['healthy', 'unhealthy']),
  error: z.string().optional(),
})
export type ComponentHealth = z.output<typeof ComponentHealth>

const request = z.object({})
const response = z.object({ components: z.array(ComponentHealth) })

function healthAsk(service: ServiceName): Ask<typeof request, typeof response> {
  return defineAsk({
    service,
    noun: 'health',
    verb: 'check',
    summary: `How ${service} and what it alone depends on are doing`,
    effect: 'read',
    caller: 'service',
    timeoutMs: 1_500,
    request,
    response,
  })
}

/** One for each service, `svc.<service>.v1.health.check`. */
export const healthCheck = Object.fromEntries(SERVICES.map((name) => [name, healthAsk(name)])) as Record<
  ServiceName,
  ReturnType<typeof healthAsk>
>
