import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { KNOWN_SETTINGS } from '@berth/runtime'
import { describe, expect, it } from 'vitest'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const known = new Set(KNOWN_SETTINGS.map((setting) => setting.name))

describe('the catalogue of settings', () => {
  const readers = globSync('services/*/src/config.ts', { cwd: root })

  it.each(readers)('has every name that %s reads', (path) => {
    const names = readFileSync(join(root, path), 'utf8').matchAll(/\bBERTH_[A-Z0-9_]+[A-Z0-9]\b/g)
    const missing = [...new Set(Array.from(names, ([name]) => name))].filter((name) => !known.has(name))
    // A name put together in the code is written here up to where the rest of it begins.
    expect(missing.filter((name) => ![...known].some((whole) => whole.startsWith(`${name}_`)))).toEqual([])
  })

  it('names and describes each once', () => {
    expect(known.size).toBe(KNOWN_SETTINGS.length)
    for (const setting of KNOWN_SETTINGS) expect(setting.description, setting.name).not.toBe('')
  })
})
