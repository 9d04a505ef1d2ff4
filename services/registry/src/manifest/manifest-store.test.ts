import type { Statement } from '@berth/db'
import { digestOf, parseReference, parseRepositoryName } from '@berth/oci'
import { describe, expect, it } from 'vitest'
import { manifestStore } from './manifest-store.ts'

const MIB = 1024 * 1024
const name = parseRepositoryName('library/app')
const reference = parseReference('latest')

/** Answers by the name of a statement, and keeps the names that were asked. */
function answering(answers: (name: string) => object | undefined) {
  const asked: string[] = []
  const find = async <Row>({ name }: Statement<Row>): Promise<Row | undefined> => {
    asked.push(name)
    return answers(name) as Row | undefined
  }
  return { asked, find, run: () => Promise.reject(new Error('one at a time')) }
}

describe('what a reference names', () => {
  it('is one question, without that of the policy where nothing is demanded', async () => {
    const state = { judges_pulls: false }
    const database = answering(() => ({ ...state }))
    const manifests = manifestStore(database)
    for (let i = 0; i < 2; i++) expect((await manifests.find(name, reference))?.pull).toBeUndefined()
    expect(database.asked.splice(0)).toEqual(['manifest-by-tag', 'manifest-by-tag'])

    state.judges_pulls = true
    for (let i = 0; i < 3; i++) expect((await manifests.find(name, reference))?.pull).toMatchObject(state)
    // The first was answered by a row that must not be used.
    expect(database.asked.splice(0)).toEqual([
      'manifest-by-tag',
      'manifest-by-tag-judged',
      'manifest-by-tag-judged',
      'manifest-by-tag-judged',
    ])

    state.judges_pulls = false
    for (let i = 0; i < 2; i++) await manifests.find(name, reference)
    expect(database.asked).toEqual(['manifest-by-tag-judged', 'manifest-by-tag'])
  })

  it('is asked by its digest likewise', async () => {
    const database = answering(() => ({ judges_pulls: true }))
    const digest = parseReference(`sha256:${'0'.repeat(64)}`)
    await manifestStore(database).find(name, digest)
    expect(database.asked).toEqual(['manifest-by-digest', 'manifest-by-digest-judged'])
  })

  it('is passed on as a failure when it cannot be asked', async () => {
    const away = () => Promise.reject(new Error('away'))
    const manifests = manifestStore({ find: away, run: away })
    await expect(manifests.find(name, reference)).rejects.toThrow('away')
  })
})

describe('the bytes of a manifest', () => {
  it('are read once, and again when larger ones have taken their place', async () => {
    let bytes = Buffer.alloc(0)
    const database = answering(() => ({ bytes }))
    const manifests = manifestStore(database)
    const read = (n: number) => {
      bytes = Buffer.alloc(4 * MIB, n)
      return manifests.readContent(digestOf(bytes))
    }
    for (let i = 0; i < 3; i++) expect((await read(0))?.[0]).toBe(0)
    expect(database.asked).toHaveLength(1)
    for (let n = 1; n <= 16; n++) expect((await read(n))?.[0]).toBe(n)
    await read(16)
    expect(database.asked).toHaveLength(17)
    await read(0)
    expect(database.asked).toHaveLength(18)
  })

  it('are looked for again where there were none', async () => {
    const database = answering(() => undefined)
    const manifests = manifestStore(database)
    for (let i = 0; i < 2; i++) expect(await manifests.readContent('sha256:0')).toBeUndefined()
    expect(database.asked).toHaveLength(2)
  })
})
