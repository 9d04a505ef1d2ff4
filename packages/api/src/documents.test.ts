import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { berthDocument, harborDocument } from './documents.ts'
import { type OperationSurface, surfaceOf } from './surface.ts'

const harbors = JSON.parse(
  readFileSync(new URL('../parity/harbor-operations.json', import.meta.url), 'utf8'),
) as Record<string, OperationSurface>

const ours = surfaceOf(harborDocument)
const ASPECTS = ['parameters', 'statuses', 'request', 'response'] as const

describe('the Harbor document', () => {
  it('names no operation that Harbor does not have', () => {
    expect([...ours.keys()].filter((name) => !(name in harbors))).toEqual([])
  })

  it.each([...ours.keys()])('lacks no parameter, status or property of %s', (name) => {
    const missing = ASPECTS.flatMap((aspect) =>
      (harbors[name]?.[aspect] ?? [])
        .filter((item) => !ours.get(name)?.[aspect].includes(item))
        .map((item) => `${aspect}: ${item}`),
    )
    expect(missing).toEqual([])
  })
})

describe.each([
  ['harbor', harborDocument],
  ['berth', berthDocument],
])('the %s document', (_name, document) => {
  it('is OpenAPI 3.1 with an operation id of its own for each operation', () => {
    expect(document.openapi).toBe('3.1.0')
    const ids = Object.values(document.paths).flatMap((item) =>
      Object.values(item).flatMap(({ operationId }) => (operationId === undefined ? [] : [operationId])),
    )
    expect(ids.length).toBe(surfaceOf(document).size)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('refers only to what it has', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/(\w+)\/(\w+)"/g)]
    expect(references.length).toBeGreaterThan(0)
    for (const [, kind, name] of references) expect(document.components[kind ?? '']).toHaveProperty(name ?? '')
  })

  it('keeps nothing that it does not refer to', () => {
    const text = JSON.stringify(document)
    for (const [kind, members] of Object.entries(document.components)) {
      if (kind === 'securitySchemes') continue
      for (const name of Object.keys(members)) expect(text).toContain(`"#/components/${kind}/${name}"`)
    }
  })
})
