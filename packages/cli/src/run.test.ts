import { readFile, stat } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CapturedWorld, capturedWorld } from './captured-world.ts'
import { configPath } from './context/config-file.ts'

let world: CapturedWorld
beforeEach(async () => {
  world = await capturedWorld()
})
afterEach(() => world.remove())

describe('berth', () => {
  it.each([
    ['an unknown verb', ['frobnicate']],
    ['an unknown option', ['status', '--frobnicate']],
    ['an unknown format', ['status', '-o', 'xml']],
    ['a format that is not for the command', ['context', 'list', '-o', 'config']],
    ['a level nobody has', ['logs', '--level', 'loud']],
    ['a limit that is no number', ['logs', '--limit', 'many']],
    ['a user without a name', ['nats', 'user', 'add']],
    ['a user who may do nothing', ['nats', 'user', 'add', 'x']],
    ['a user with a name that is none', ['nats', 'user', 'add', 'X.>', '--ask', 'svc.token.v1.key.list']],
    ['a password among the arguments', ['context', 'add', 'a', '--url', 'http://a:b@c', '--username', 'x']],
    ['no database to migrate', ['migrate']],
  ])('leaves with 2 for %s', async (_what, args) => {
    const { code, stdout, stderr } = await world.run(args)
    expect(code).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/^berth: /)
  })

  it('leaves with 1 where no suite runs, and says where it looked', async () => {
    const { code, stderr } = await world.run(['status'])
    expect(code).toBe(1)
    expect(stderr).toContain(`${world.home}/data`)
  })

  it('leaves with 3 for what is not there', async () => {
    expect((await world.run(['context', 'use', 'nowhere'])).code).toBe(3)
    expect((await world.run(['context', 'remove', 'nowhere'])).code).toBe(3)
    expect((await world.run(['status', '--context', 'nowhere'])).code).toBe(3)
    expect((await world.run(['nats', 'permissions', 'nobody'])).code).toBe(3)
    expect((await world.run(['nats', 'user', 'remove', 'nobody'])).code).toBe(3)
  })

  it('helps on stdout', async () => {
    const { code, stdout } = await world.run(['logs', '--help'])
    expect(code).toBe(0)
    expect(stdout).toContain('--request-id')
  })
})

describe('contexts', () => {
  it('are remembered, chosen, listed and forgotten', async () => {
    expect((await world.run(['context', 'add', 'a', '--url', 'https://a.example.com', '--username', 'ann'])).code).toBe(
      0,
    )
    expect((await world.run(['context', 'add', 'b', '--url', 'http://b.example.com:8080/'])).code).toBe(0)
    expect((await world.run(['context', 'use', 'b'])).code).toBe(0)
    const listed = await world.run(['context', 'list', '-o', 'json'])
    expect(JSON.parse(listed.stdout)).toEqual([
      { name: 'a', url: 'https://a.example.com', username: 'ann', current: false },
      { name: 'b', url: 'http://b.example.com:8080', current: true },
    ])
    expect((await world.run(['context', 'remove', 'b'])).code).toBe(0)
    expect((await world.run(['context', 'list'])).stdout).toMatch(/^ +NAME +URL +USER\n +a /)
  })

  it('keep a password from standard input in a file nobody else may read', async () => {
    const args = ['context', 'add', 'a', '--url', 'http://a.example.com', '--username', 'ann', '--password-stdin']
    expect((await world.run(args, 'S3cret-words\nnot this\n')).code).toBe(0)
    const path = configPath(world.env)
    expect(JSON.parse(await readFile(path, 'utf8')).contexts[0].password).toBe('S3cret-words')
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect((await world.run(['context', 'list', '-o', 'json'])).stdout).not.toContain('S3cret')
  })

  it('refuse an empty password, a name twice and the name of this machine', async () => {
    const add = ['context', 'add', 'a', '--url', 'http://a.example.com']
    expect((await world.run([...add, '--password-stdin'], '')).code).toBe(2)
    expect((await world.run(add)).code).toBe(0)
    expect((await world.run(add)).code).toBe(1)
    expect((await world.run(['context', 'add', 'local', '--url', 'http://a.example.com'])).code).toBe(2)
  })
})

describe('nats permissions', () => {
  it('prints every user as JSON', async () => {
    const { stdout } = await world.run(['nats', 'permissions', '-o', 'json'])
    const users = JSON.parse(stdout)
    expect(Object.keys(users)).toContain('registry')
    expect(users.provision.publish).toContain('$JS.API.>')
  })

  it('prints text for a server, without a password in it', async () => {
    const { stdout } = await world.run(['-o', 'config', 'nats', 'permissions', 'log-collector'])
    expect(stdout).toContain('password: $BERTH_NATS_PASSWORD_LOG_COLLECTOR')
    expect(stdout).toContain('"log.log-collector.>"')
    expect(stdout).not.toContain('"core"')
  })

  it('prints what a program outside would be granted, and makes nothing', async () => {
    const args = ['nats', 'user', 'add', 'w', '--ask', 'svc.registry.v1.tag.list', '--dry-run', '-o', 'json']
    const { code, stdout } = await world.run(args)
    expect(code).toBe(0)
    expect(JSON.parse(stdout).w.publish).toEqual(
      expect.arrayContaining(['svc.registry.v1.tag.list', 'svc.token.v1.access.issue', '$SRV.PING']),
    )
    expect((await world.run(['nats', 'user', 'list', '-o', 'json'])).stdout).toBe('[]\n')
  })
})
