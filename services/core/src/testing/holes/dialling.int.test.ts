import { createServer, type Server } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask } from '../contract/ask.ts'
import { ADMIN_PASSWORD, openSurroundings, type RunningCore, type Surroundings } from '../harness.ts'

const admin = `admin:${ADMIN_PASSWORD}`

let surroundings: Surroundings
let core: RunningCore
let server: Server
let port: number
let connections = 0

beforeAll(async () => {
  surroundings = await openSurroundings()
  core = await surroundings.startCore()
  server = createServer((socket) => {
    connections += 1
    socket.destroy()
  })
  await new Promise<void>((resolve) => server.listen(0, '::', resolve))
  port = (server.address() as { port: number }).port
})
afterAll(async () => {
  server?.close()
  await core?.stop()
  await surroundings?.stop()
}, 30_000)

/** Every place where somebody says an address that core then goes to; the answer for this host and port. */
const DOORS: Record<string, (host: string, at: number) => ReturnType<typeof ask>> = {
  'the ping of a directory': (host, at) =>
    ask(core.url, { method: 'POST', path: '/ldap/ping', as: admin, body: { ldap_url: `ldap://${host}:${at}` } }),
  'the ping of a provider': (host, at) =>
    ask(core.url, { method: 'POST', path: '/system/oidc/ping', as: admin, body: { url: `http://${host}:${at}` } }),
  'where audit lines go': (host, at) =>
    ask(core.url, {
      method: 'PUT',
      path: '/configurations',
      as: admin,
      body: { audit_log_forward_endpoint: `${host}:${at}` },
    }),
}

const HOSTS = [
  '127.0.0.1',
  '127.1',
  '2130706433',
  '0x7f000001',
  '0177.0.0.1',
  'localhost',
  'LOCALHOST',
  'localhost.',
  '0.0.0.0',
  '[::1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[0:0:0:0:0:0:0:1]',
  '[64:ff9b::7f00:1]',
]

const METADATA = [
  '169.254.169.254',
  '[::ffff:169.254.169.254]',
  '[fd00:ec2::254]',
  'metadata.google.internal',
  '169.254.170.2',
]

describe.each(Object.keys(DOORS))(
  '%s goes to no address of this machine (23: GHSA-2phj-cp9f-qq6w; 43: CVE-2026-32591, CVE-2026-2377, CVE-2026-85471)',
  (name) => {
    const knock = DOORS[name] as (typeof DOORS)[string]

    it.each(HOSTS)('%s', async (host) => {
      const answer = await knock(host, port)
      expect([200, 400, 422], answer.text).toContain(answer.status)
      if (answer.status === 200) expect(answer.body).toMatchObject({ success: false })
      expect(connections).toBe(0)
    })

    it.each(METADATA)('%s, never', async (host) => {
      const answer = await knock(host, 80)
      if (answer.status === 200) expect(answer.body).toMatchObject({ success: false })
      else expect([400, 422], answer.text).toContain(answer.status)
    })

    it('does not tell whether somebody listens there (5: CVE-2020-13788)', async () => {
      const [open, closed] = [await knock('127.0.0.1', port), await knock('127.0.0.1', 1)]
      expect([open.status, open.text]).toEqual([closed.status, closed.text])
    })
  },
)
