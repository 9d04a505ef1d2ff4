import { type ThrowAwayPostgres, throwAwayPostgres } from '@berth/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CapturedWorld, capturedWorld } from './captured-world.ts'

describe('berth migrate', () => {
  let world: CapturedWorld
  let postgres: ThrowAwayPostgres
  beforeAll(async () => {
    world = await capturedWorld()
    postgres = await throwAwayPostgres()
    // The services are started as they are here: from their sources.
    process.execArgv.push('--conditions=@berth/source')
  })
  afterAll(async () => {
    process.execArgv.pop()
    await postgres?.stop()
    await world?.remove()
  })

  it('makes the schema of every service that owns one, and changes nothing the second time', async () => {
    world.env.DATABASE_URL = postgres.url
    const first = await world.run(['migrate', '-o', 'json'])
    expect(first.code, first.stderr).toBe(0)
    const owners = ['core', 'registry', 'token'].map((service) => ({ service, status: 'up to date' }))
    expect(JSON.parse(first.stdout)).toEqual(owners)
    expect(first.stderr).toContain('schema brought up to date')
    const second = await world.run(['migrate', '-o', 'json'])
    expect(second.code, second.stderr).toBe(0)
    expect(second.stderr).not.toContain('schema brought up to date')
  })

  it('fails where there is no database', async () => {
    world.env.DATABASE_URL = 'postgres://berth:secret-of-berth@127.0.0.1:9/berth'
    const { code, stderr } = await world.run(['migrate'])
    expect(code).toBe(1)
    expect(stderr).toContain('could not bring its schema up to date')
    expect(stderr).not.toContain('secret-of-berth')
  })
})
