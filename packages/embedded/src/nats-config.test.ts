import { natsPermissions } from '@berth/types'
import { describe, expect, it } from 'vitest'
import { renderNatsConfig, renderNatsUsers } from './nats-config.ts'

describe('the configuration of nats-server', () => {
  it('listens on the loopback alone and knows where its files are', () => {
    const text = renderNatsConfig({
      port: 4333,
      storeDir: '/data/na ts',
      pidFile: '/data/"x"/pid',
      usersFile: 'users.conf',
    })
    expect(text).toContain('listen: "127.0.0.1:4333"')
    expect(text).toContain('store_dir: "/data/na ts"')
    expect(text).toContain('pid_file: "/data/\\"x\\"/pid"')
    expect(text).toContain('include "users.conf"')
  })

  it('gives each user what it may publish and hear, and responders their answers', () => {
    const text = renderNatsUsers([{ user: 'token', pass: 'p', permissions: natsPermissions('token') }])
    expect(text).toContain('{ user: "token", password: "p", permissions: { publish: { allow: ["log.token.>"')
    expect(text).toContain('allow_responses: { max: 100, expires: "1m" }')
  })

  it('does not turn "nothing" into "everything"', () => {
    const permissions = { publish: [], subscribe: ['_INBOX_x.>'], allowResponses: false }
    const text = renderNatsUsers([{ user: 'x', pass: 'p', permissions }])
    expect(text).toContain('publish: { deny: [">"] }')
    expect(text).not.toContain('allow_responses')
  })

  it('cannot be broken out of by a name', () => {
    const text = renderNatsUsers([{ user: 'x" }, { user: "root', pass: '\\"', permissions: 'everything' }])
    expect(text).toContain('{ user: "x\\" }, { user: \\"root", password: "\\\\\\"" }')
    expect(() => renderNatsUsers([{ user: 'x\n', pass: 'p', permissions: 'everything' }])).toThrow('control character')
  })
})
