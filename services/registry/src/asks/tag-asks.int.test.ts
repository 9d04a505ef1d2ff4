import { someImage } from '@berth/testkit'
import {
  artifactDelete,
  artifactGet,
  artifactSearch,
  labelAttach,
  labelDetach,
  labelPurge,
  tagCreate,
  tagDelete,
  tagSearch,
  verdictSet,
} from '@berth/types'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type JudgedRoom, type JudgedWorld, keeps, openJudgedWorld } from '../testing/judged-world.ts'

let judged: JudgedWorld
beforeAll(async () => {
  judged = await openJudgedWorld()
})
afterAll(() => judged?.world.stop())

const tagged = async (room: JudgedRoom, over: object = {}) => {
  const { tags, total } = await judged.ask(tagSearch, { ...room.asked, ...over })
  return { names: tags.map(({ name }) => name), tags, total }
}

describe('tags core asks about', () => {
  it('are listed of a repository and of an artifact, with what keeps them', async () => {
    const room = await judged.newRoom({ policy: keeps('v*') })
    const [image, other] = [someImage([1]), someImage([2])]
    for (const tag of ['v1', 'b', 'a']) await room.client.pushImage(image, tag)
    await room.client.pushImage(other, 'c')
    expect(await tagged(room)).toMatchObject({ names: ['a', 'b', 'c', 'v1'], total: 4 })
    expect((await tagged(room, { reference: image.digest })).names).toEqual(['a', 'b', 'v1'])
    expect((await tagged(room, { reference: 'v1', sort: '-name', pageSize: 2 })).names).toEqual(['v1', 'b'])
    expect((await tagged(room, { page: 2, pageSize: 3 })).names).toEqual(['v1'])
    expect((await tagged(room, { q: 'name=~V' })).tags).toMatchObject([
      { name: 'v1', immutable: true, digest: image.digest, pulledAt: null },
    ])
    expect((await tagged(room, { q: 'name=a' })).tags).toMatchObject([{ immutable: false }])
    await expect(tagged(room, { reference: 'none' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('are made once', async () => {
    const room = await judged.newRoom()
    const [image, other] = [someImage([1]), someImage([2])]
    for (const one of [image, other]) await room.client.pushImage(one)
    const create = (tag: string, reference = image.digest) =>
      judged.ask(tagCreate, { ...room.asked, reference, tag, actor: 'alice' })
    expect((await create('new')).tag).toMatchObject({ name: 'new', digest: image.digest, immutable: false })
    expect((await room.client.fetch('manifests/new')).headers.get('docker-content-digest')).toBe(image.digest)
    for (const reference of [image.digest, other.digest]) {
      await expect(create('new', reference)).rejects.toMatchObject({
        code: 'CONFLICT',
        message: expect.stringMatching(/^tag new already exists under the repository \d+$/),
      })
    }
    await expect(create('x', 'none')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    for (const tag of ['', '.x', 'a b', 'x'.repeat(129), 'a\0']) {
      await expect(create(tag)).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    }
    const proxy = await judged.newRoom({ kind: 'proxy' })
    await judged.world.sql(`INSERT INTO registry.repository (project_id, name, listed) VALUES ($1, $2, true)`, [
      proxy.project.id,
      proxy.repository,
    ])
    await expect(judged.ask(tagCreate, { ...proxy.asked, reference: image.digest, tag: 'x' })).rejects.toMatchObject({
      code: 'METHOD_NOT_ALLOWED',
    })
  })

  it('make of what carries one by which cosign finds it an accessory', async () => {
    const room = await judged.newRoom()
    const [image, attached] = [someImage([1]), someImage([2])]
    await room.client.pushImage(image, 'signed')
    await room.client.pushImage(attached, 'loose')
    const tag = `${image.digest.replace(':', '-')}.att`
    await judged.ask(tagCreate, { ...room.asked, reference: attached.digest, tag })
    const { artifact } = await judged.ask(artifactGet, { ...room.asked, reference: 'signed' })
    expect(artifact.accessories).toMatchObject([{ digest: attached.digest, type: 'subject.accessory' }])
    expect((await judged.ask(artifactSearch, room.asked)).total).toBe(1)
  })

  it('are told when they are made, with a revision that grows', async () => {
    const room = await judged.newRoom()
    const image = someImage([1])
    await room.client.pushImage(image)
    const told: { subject: string; revision: number; data: { tag?: string; repository: string } }[] = []
    const subscription = judged.world.bus.connection.subscribe('event.tag.*', {
      callback: (_, message) => {
        const event = message.json<{ revision: number; data: { tag: string; repository: string } }>()
        if (event.data.repository === room.repository) told.push({ subject: message.subject, ...event })
      },
    })
    await judged.world.bus.connection.flush()
    await judged.ask(tagCreate, { ...room.asked, reference: image.digest, tag: 'x' })
    await judged.ask(tagDelete, { ...room.asked, reference: image.digest, tag: 'x' })
    await judged.ask(tagCreate, { ...room.asked, reference: image.digest, tag: 'x' })
    await expect
      .poll(() => told.map(({ subject }) => subject))
      .toEqual(['event.tag.created', 'event.tag.deleted', 'event.tag.created'])
    subscription.unsubscribe()
    const revisions = told.map(({ revision }) => revision)
    expect(revisions).toEqual(revisions.toSorted((a, b) => a - b))
    expect(new Set(revisions).size).toBe(3)
  })

  it('are deleted from the artifact they are on, unless a rule keeps them', async () => {
    const room = await judged.newRoom({ policy: keeps('v*') })
    const [image, other] = [someImage([1]), someImage([2])]
    for (const tag of ['v1', 'a', 'b']) await room.client.pushImage(image, tag)
    await room.client.pushImage(other, 'other')
    const remove = (tag: string, reference?: string) => judged.ask(tagDelete, { ...room.asked, reference, tag })
    await expect(remove('a', 'other')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(remove('none')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(remove('v1', image.digest)).rejects.toMatchObject({
      code: 'PRECONDITION',
      message: 'the tag v1 configured as immutable, cannot be deleted',
    })
    expect(await remove('a', 'v1')).toEqual({ deleted: true })
    expect(await remove('b')).toEqual({ deleted: true })
    expect((await tagged(room)).names).toEqual(['other', 'v1'])
    expect((await room.client.fetch(`manifests/${image.digest}`)).status).toBe(200)
  })

  it('are not deleted from another artifact, which they have moved to meanwhile', async () => {
    const room = await judged.newRoom()
    const [image, other] = [someImage([1]), someImage([2])]
    await room.client.pushImage(image, 'moves')
    await room.client.pushImage(other, 'other')
    const mover = new pg.Client({ connectionString: judged.world.databaseUrl })
    await mover.connect()
    try {
      await mover.query('BEGIN')
      await mover.query('SELECT id FROM registry.project WHERE id = $1 FOR UPDATE', [room.project.id])
      const removed = judged
        .ask(tagDelete, { ...room.asked, reference: image.digest, tag: 'moves' })
        .catch((err: { code: string }) => err.code)
      await expect
        .poll(() => judged.world.sql(`SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'`))
        .toHaveLength(1)
      await mover.query(
        `UPDATE registry.tag SET manifest_id = (SELECT id FROM registry.manifest WHERE digest = $1) WHERE name = 'moves'`,
        [other.digest],
      )
      await mover.query('COMMIT')
      expect(await removed).toBe('NOT_FOUND')
    } finally {
      await mover.end()
    }
    expect((await tagged(room)).names).toEqual(['moves', 'other'])
  })

  it('end as one of the orders would have it, when made and deleted at once', async () => {
    const room = await judged.newRoom()
    const image = someImage([1])
    await room.client.pushImage(image)
    for (let round = 0; round < 10; round++) {
      const outcomes = await Promise.allSettled([
        ...[1, 2, 3].map(() => judged.ask(tagCreate, { ...room.asked, reference: image.digest, tag: 'x' })),
        ...[1, 2].map(() => judged.ask(tagDelete, { ...room.asked, tag: 'x' })),
      ])
      const done = outcomes.map(({ status }) => status === 'fulfilled')
      const made = done.slice(0, 3).filter(Boolean).length
      const deleted = done.slice(3).filter(Boolean).length
      const codes = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []))
      expect(codes.every((code) => code === 'CONFLICT' || code === 'NOT_FOUND')).toBe(true)
      const left = (await tagged(room)).total
      expect([0, 1]).toContain(left)
      expect(made - deleted).toBe(left)
      if (left === 1) await judged.ask(tagDelete, { ...room.asked, tag: 'x' })
    }
  })

  it('are not made on what is deleted at the same moment', async () => {
    const room = await judged.newRoom()
    for (let round = 0; round < 10; round++) {
      const image = someImage([1])
      await room.client.pushImage(image)
      const [made] = await Promise.allSettled([
        judged.ask(tagCreate, { ...room.asked, reference: image.digest, tag: `r${round}` }),
        judged.ask(artifactDelete, { ...room.asked, reference: image.digest }),
      ])
      if (made.status === 'rejected') expect(made.reason).toMatchObject({ code: 'NOT_FOUND' })
      expect((await tagged(room)).total).toBe(0)
    }
  })
})

describe('labels', () => {
  it('are attached once, found, taken off, and gone with the label', async () => {
    const room = await judged.newRoom()
    const images = [someImage([1]), someImage([2])]
    for (const [n, image] of images.entries()) await room.client.pushImage(image, `t${n}`)
    const change = (ask: typeof labelAttach | typeof labelDetach, reference: string, labelId: number) =>
      judged.ask(ask, { ...room.asked, reference, labelId })
    const found = async (q: string) =>
      (await judged.ask(artifactSearch, { ...room.asked, q })).artifacts.map(({ labels, digest }) => ({
        labels,
        digest,
      }))
    const { artifactId } = await change(labelAttach, 't0', 7)
    await change(labelAttach, 't0', 8)
    await change(labelAttach, 't1', 8)
    await expect(change(labelAttach, images[0]?.digest ?? '', 7)).rejects.toMatchObject({
      code: 'CONFLICT',
      message: `label 7 is already added to the artifact ${artifactId}`,
    })
    await expect(change(labelAttach, 'none', 7)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(await found('labels=(7 8)')).toEqual([{ labels: [7, 8], digest: images[0]?.digest }])
    expect(await found('labels=(8)')).toHaveLength(2)
    await change(labelDetach, 't1', 8)
    await expect(change(labelDetach, 't1', 8)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(await judged.ask(labelPurge, { labelId: 8 })).toEqual({ detached: 1, done: true })
    expect(await found('labels=(8)')).toEqual([])
    expect(await judged.ask(labelPurge, { labelId: 8 })).toEqual({ detached: 0, done: true })
    await judged.ask(artifactDelete, { ...room.asked, reference: 't0' })
    expect(await found('labels=7')).toEqual([])
  })
})

describe('a verdict', () => {
  it('is in force unless a newer one is', async () => {
    const room = await judged.newRoom()
    const image = someImage([1])
    await room.client.pushImage(image, 't')
    const set = (revision: number, severity: string, over: object = {}) =>
      judged.ask(verdictSet, {
        ...room.asked,
        digest: image.digest,
        scanner: 'trivy',
        severity,
        summary: { total: revision },
        cves: { 'CVE-1': severity },
        scannedAt: '2026-01-01T00:00:00Z',
        revision,
        ...over,
      })
    expect(await set(5, 'high')).toEqual({ revision: 5 })
    expect(await set(4, 'low')).toEqual({ revision: 5 })
    expect(await set(6, 'medium')).toEqual({ revision: 6 })
    expect(await set(1, 'none', { scanner: 'other' })).toEqual({ revision: 1 })
    const { artifacts } = await judged.ask(artifactSearch, room.asked)
    expect(artifacts[0]?.verdicts).toEqual([
      { scanner: 'other', severity: 'none', summary: { total: 1 }, revision: 1, scannedAt: '2026-01-01T00:00:00.000Z' },
      {
        scanner: 'trivy',
        severity: 'medium',
        summary: { total: 6 },
        revision: 6,
        scannedAt: '2026-01-01T00:00:00.000Z',
      },
    ])
    await expect(set(7, 'low', { digest: `sha256:${'0'.repeat(64)}` })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(set(7, 'awful')).rejects.toMatchObject({ code: 'BAD_REQUEST' })
  })
})
