import { z } from 'zod'
import { Credentials, GrantedAccess, Identity, Scope } from './access.ts'
import { ComponentHealth } from './asks/health.ts'
import { PublicKey } from './asks/token.ts'
import type { Json } from './asyncapi-channels.ts'
import { SETTING_SHAPES } from './buckets.ts'
import { ASKS, EVENTS, JOBS } from './catalogue.ts'
import { EventEnvelope } from './event.ts'
import { JobMessage } from './job.ts'
import { LogLine } from './log.ts'
import { RegistryProject } from './project.ts'

type Named = Record<string, z.ZodType>

/** Shapes that several payloads hold; they appear once, under these names. */
const SHARED: Named = {
  ComponentHealth,
  Credentials,
  GrantedAccess,
  Identity,
  LogLine,
  PublicKey,
  RegistryProject,
  Scope,
}

/** The schema of every payload by name: `<ask>.request`, `<ask>.answer`, `<event>.data`, `<job>.parameters`, `know.<bucket>.<key>`. */
export function payloadSchemas(): Record<string, Json> {
  const sent: Named = Object.fromEntries(ASKS.map((ask) => [`${ask.subject}.request`, ask.request]))
  const received: Named = {
    ...Object.fromEntries(ASKS.map((ask) => [`${ask.subject}.answer`, ask.response])),
    ...Object.fromEntries(EVENTS.map((event) => [`${event.subject}.data`, event.data])),
    ...Object.fromEntries(Object.entries(SETTING_SHAPES).map(([key, shape]) => [`know.settings.${key}`, shape])),
    ...Object.fromEntries(JOBS.map((kind) => [`${kind.subject}.parameters`, kind.parameters])),
    EventEnvelope,
    JobMessage,
  }
  const schemas = { ...convert({ ...SHARED, ...sent }, 'input'), ...convert({ ...SHARED, ...received }, 'output') }
  return Object.fromEntries(Object.entries(schemas).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** `input` is what a sender writes, where a field with a default may be left out; `output` what a receiver reads. */
function convert(shapes: Named, io: 'input' | 'output'): Record<string, Json> {
  const registry = z.registry<{ id: string }>()
  const twins: [string, string][] = []
  for (const [id, shape] of Object.entries(shapes)) {
    const known = registry.get(shape)
    if (known) twins.push([id, known.id])
    else registry.add(shape, { id })
  }
  const { schemas } = z.toJSONSchema(registry, {
    target: 'draft-7',
    io,
    uri: (id) => `#/components/schemas/${id}`,
    override: ({ jsonSchema }) => {
      // Fields may be added later, so a schema that refused them would be wrong about the next version.
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties
      // The format says it; what zod matches it with would only be noise.
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
    },
  })
  return {
    ...Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, withoutIdentity(schema)])),
    ...Object.fromEntries(twins.map(([id, same]) => [id, { $ref: `#/components/schemas/${same}` }])),
  }
}

function withoutIdentity({ $schema, $id, ...schema }: Json): Json {
  return schema
}
