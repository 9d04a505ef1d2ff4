import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { claimDataDir } from './data-dir.ts'
import { adminPasswordOf, secretKeyOf } from './secrets.ts'

describe('the data directory', () => {
  let parent: string
  let path: string
  const homes: string[] = []

  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'berth-data-'))
    path = join(parent, 'data')
  })
  afterEach(() => {
    rmSync(parent, { recursive: true })
    for (const home of homes.splice(0)) rmSync(home, { recursive: true, force: true })
  })

  async function claim() {
    const data = await claimDataDir(path)
    homes.push(data.postgresHome)
    return data
  }

  it('is made for its owner alone and keeps its id', async () => {
    const first = await claim()
    await first.release()
    const second = await claim()
    expect(second.id).toBe(first.id)
    expect(statSync(path).mode & 0o077).toBe(0)
    expect(statSync(join(path, 'berth.json')).mode & 0o777).toBe(0o600)
  })

  it('deleted and made again at the same path is another one', async () => {
    const first = await claim()
    rmSync(path, { recursive: true })
    const second = await claim()
    expect(second.id).not.toBe(first.id)
    expect(second.postgresHome === first.postgresHome).toBe(second.postgresHome.startsWith(path))
  })

  it('with files of somebody else is refused and left alone', async () => {
    mkdirSync(path)
    writeFileSync(join(path, 'thesis.txt'), 'mine')
    await expect(claimDataDir(path)).rejects.toMatchObject({
      exitCode: 4,
      message: expect.stringContaining(`(${path})`),
    })
    expect(readFileSync(join(path, 'thesis.txt'), 'utf8')).toBe('mine')
  })

  it('may be a fresh volume', async () => {
    mkdirSync(join(path, 'lost+found'), { recursive: true })
    await expect(claim()).resolves.toMatchObject({ isNew: true })
  })

  it('that is a file, or below one, is refused', async () => {
    writeFileSync(path, 'a file')
    await expect(claimDataDir(path)).rejects.toMatchObject({ exitCode: 4 })
    await expect(claimDataDir(join(path, 'below'))).rejects.toMatchObject({ exitCode: 4 })
  })

  it('is refused to a second suite while the first one lives', async () => {
    const first = await claim()
    await expect(claimDataDir(path)).rejects.toMatchObject({
      exitCode: 4,
      message: `berth: the data directory is in use by another suite, pid ${process.pid} (${path})`,
    })
    await first.release()
    await expect(claim()).resolves.toMatchObject({ id: first.id })
  })

  it.each([
    ['a process that is gone', { pid: 2 ** 22 + 1, birth: '1', held: true }],
    ['a pid that belongs to somebody else now', { pid: process.pid, birth: '1', held: true }],
    ['nobody, being half written', undefined],
  ])('is taken over from %s', async (_whose, holder) => {
    await (await claim()).release()
    writeFileSync(join(path, 'berth.4711.abcdef.lock'), holder ? JSON.stringify(holder) : '{')
    await expect(claim()).resolves.toBeDefined()
  })

  it('is claimed by one of many who start at once', async () => {
    await (await claim()).release()
    const dead = { pid: process.pid, birth: '1', held: true }
    writeFileSync(join(path, 'berth.4711.abcdef.lock'), JSON.stringify(dead))
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => claimDataDir(path)))
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1)
  })

  it('keeps the key it was first used with and refuses another', async () => {
    const data = await claim()
    const key = await secretKeyOf(data, undefined)
    expect(statSync(join(path, 'secret-key')).mode & 0o777).toBe(0o600)
    await data.release()
    const again = await claim()
    expect(await secretKeyOf(again, undefined)).toBe(key)
    const other = Buffer.from(Array.from({ length: 32 }, (_, at) => (at * 37 + 11) % 256)).toString('base64')
    await expect(secretKeyOf(again, other)).rejects.toMatchObject({
      exitCode: 2,
      message: 'berth: the secret key is not the one the data was made with (BERTH_SECRET_KEY)',
    })
    rmSync(join(path, 'secret-key'))
    await expect(secretKeyOf(again, undefined)).rejects.toMatchObject({ exitCode: 2 })
  })

  it('takes another key from who names the one before it, once and for all', async () => {
    const data = await claim()
    const before = await secretKeyOf(data, undefined)
    const key = Buffer.from(Array.from({ length: 32 }, (_, at) => (at * 37 + 11) % 256)).toString('base64')
    expect(await secretKeyOf(data, key, before)).toBe(key)
    expect(await secretKeyOf(data, key, before)).toBe(key)
    expect(await secretKeyOf(data, key)).toBe(key)
    await expect(secretKeyOf(data, before)).rejects.toMatchObject({ exitCode: 2 })
  })

  it('gets an admin password until a suite was ready on it, and shows it until then', async () => {
    const data = await claim()
    const made = await adminPasswordOf(data, undefined)
    expect(made).toMatchObject({ show: true, path: join(path, 'admin-password') })
    expect(statSync(join(path, 'admin-password')).mode & 0o777).toBe(0o600)
    expect(await adminPasswordOf(data, undefined)).toEqual(made)
    await data.settle()
    await data.release()
    const settled = await claim()
    expect(await adminPasswordOf(settled, undefined)).toMatchObject({ password: made?.password, show: false })
    rmSync(join(path, 'admin-password'))
    expect(await adminPasswordOf(settled, undefined)).toBeUndefined()
  })

  it('makes no admin password when one is given', async () => {
    const data = await claim()
    expect(await adminPasswordOf(data, 'Given12345')).toEqual({ password: 'Given12345', show: false })
    expect(() => statSync(join(path, 'admin-password'))).toThrow('ENOENT')
  })
})
