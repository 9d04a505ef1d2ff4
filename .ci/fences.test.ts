import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { brokenFences } from './fences.ts'

let top: string

beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'berth-fences-'))
  room('packages/errors', '@berth/errors', {})
  room('packages/types', '@berth/types', { '@berth/errors': 'workspace:*' })
  room('services/core', '@berth/core', { '@berth/types': 'workspace:*' })
  room('services/token', '@berth/token', { '@berth/types': 'workspace:*' })
})
afterEach(() => rmSync(top, { recursive: true }))

function plant(file: string, text: string): void {
  mkdirSync(dirname(join(top, file)), { recursive: true })
  writeFileSync(join(top, file), text)
}

function room(path: string, name: string, dependencies: Record<string, string>): void {
  plant(`${path}/package.json`, JSON.stringify({ name, dependencies }))
  plant(`${path}/src/index.ts`, 'export const here = 1\n')
}

describe('the import fences', () => {
  it('hold in this project', () => {
    expect(brokenFences(resolve(import.meta.dirname, '..'))).toEqual([])
  })

  it('hold where everybody looks down', () => {
    plant('services/core/src/main.ts', "import { here } from '@berth/types'\nexport const there = here\n")
    expect(brokenFences(top)).toEqual([])
  })

  it.each([
    ['a service that reaches into another', "import { here } from '../../token/src/index.ts'", 'outside its room'],
    [
      'a service that imports past the door of a package',
      "import { here } from '@berth/types/src/x.ts'",
      'past the door',
    ],
    ['a service that talks to NATS itself', "import { connect } from 'nats'", 'only packages/messaging may'],
    ['a service that uses the testkit', "import { throwAwayNats } from '@berth/testkit'", 'for tests only'],
    [
      'a lazy import of another service',
      "export const x = () => import('../../token/src/index.ts')",
      'outside its room',
    ],
  ])('catch %s', (_name, line, words) => {
    plant('services/core/src/main.ts', `${line}\n`)
    expect(brokenFences(top).join('\n')).toContain(words)
  })

  it('catch a package that stands on one above it', () => {
    room('packages/errors', '@berth/errors', { '@berth/types': 'workspace:*' })
    expect(brokenFences(top).join('\n')).toContain('does not stand below it')
  })

  it('catch a package above that only tests are given', () => {
    const manifest = { name: '@berth/errors', devDependencies: { '@berth/types': 'workspace:*' } }
    plant('packages/errors/package.json', JSON.stringify(manifest))
    plant('packages/errors/src/index.ts', "import { here } from '@berth/types'\nexport const there = here\n")
    expect(brokenFences(top)).toEqual([expect.stringContaining('not among its dependencies')])
  })

  it('catch a dependency on a service', () => {
    room('packages/types', '@berth/types', { '@berth/core': 'workspace:*' })
    expect(brokenFences(top).join('\n')).toContain('which is no package')
  })
})
