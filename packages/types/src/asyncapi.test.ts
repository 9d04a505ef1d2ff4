import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import about from '../package.json' with { type: 'json' }
import { asyncApiDocument } from './asyncapi.ts'
import { ASKS, EVENTS } from './catalogue.ts'

const Ref = z.strictObject({ $ref: z.string() })
const Channel = z.looseObject({ address: z.string().nullable(), messages: z.record(z.string(), Ref) })
const Operation = z.looseObject({
  action: z.enum(['send', 'receive']),
  channel: Ref,
  messages: z.array(Ref).min(1),
  reply: z.object({ channel: Ref, messages: z.array(Ref).min(1) }).optional(),
})
const Message = z.looseObject({ title: z.string(), headers: Ref.optional(), payload: z.looseObject({}) })
const Document = z.looseObject({
  asyncapi: z.literal('3.0.0'),
  info: z.looseObject({ title: z.string(), version: z.string() }),
  channels: z.record(z.string(), Channel),
  operations: z.record(z.string(), Operation),
  components: z.object({
    messages: z.record(z.string(), Message),
    schemas: z.record(z.string(), z.looseObject({})),
    securitySchemes: z.record(z.string(), z.looseObject({ type: z.string() })),
  }),
})

const written = asyncApiDocument(about.version)
const document = Document.parse(written)

function resolve(pointer: string): unknown {
  const path = pointer
    .slice(2)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  let here: unknown = written
  for (const part of path) here = (here as Record<string, unknown> | undefined)?.[part]
  return here
}

/** Payloads of one shape share it: the second is a reference to the first. */
function schemaOf(name: string): unknown {
  const schema = document.components.schemas[name]
  return typeof schema?.$ref === 'string' ? resolve(schema.$ref) : schema
}

function references(node: unknown): string[] {
  if (node === null || typeof node !== 'object') return []
  return Object.entries(node).flatMap(([key, value]) =>
    key === '$ref' && typeof value === 'string' ? [value] : references(value),
  )
}

describe('the AsyncAPI document', () => {
  it('in docs is the one the types give', () => {
    const kept: unknown = JSON.parse(readFileSync(new URL('../../../docs/asyncapi.json', import.meta.url), 'utf8'))
    expect(kept, 'write it again: npm run asyncapi in packages/types').toEqual(JSON.parse(JSON.stringify(written)))
  })

  it('refers to nothing that is not there', () => {
    const all = new Set(references(written))
    expect(all.size).toBeGreaterThan(ASKS.length)
    expect([...all].filter((pointer) => !pointer.startsWith('#/') || resolve(pointer) === undefined)).toEqual([])
  })

  it('names its components as the specification allows', () => {
    const { messages, schemas } = document.components
    for (const name of [...Object.keys(messages), ...Object.keys(schemas)]) expect(name).toMatch(/^[\w.-]+$/)
  })

  it.each(Object.entries(document.operations))(
    'lets operation %s use only messages of its channels',
    (_name, operation) => {
      const sides = operation.reply ? [operation, operation.reply] : [operation]
      for (const { channel, messages } of sides) {
        expect(resolve(channel.$ref)).toBeDefined()
        for (const { $ref } of messages) expect($ref.startsWith(`${channel.$ref}/messages/`)).toBe(true)
      }
    },
  )

  it.each(ASKS.map((ask) => [ask.subject, ask] as const))('has %s as a question with its answer', (subject, ask) => {
    expect(document.channels[subject]?.address).toBe(subject)
    const operation = document.operations[subject]
    expect(operation?.action).toBe('receive')
    expect(operation?.messages).toHaveLength(1)
    expect(operation?.reply?.messages).toHaveLength(2)
    const headers = document.components.messages[`${subject}.request`]?.headers?.$ref
    expect(headers?.endsWith('PersonAskHeaders')).toBe(ask.caller === 'person')
  })

  it.each(EVENTS.map((event) => event.subject))('has %s as something the suite sends', (subject) => {
    expect(document.channels[subject]?.address).toBe(subject)
    expect(document.operations[subject]?.action).toBe('send')
    expect(schemaOf(`${subject}.data`)).toHaveProperty('properties')
  })

  it('leaves what has a default out of what a sender must write', () => {
    const request = document.components.schemas['svc.registry.v1.tag.list.request'] as { required: string[] }
    expect(request.required).toEqual(['repository'])
  })

  it('refuses no field a later version may add', () => {
    expect(JSON.stringify(written)).not.toContain('"additionalProperties":false')
  })
})
