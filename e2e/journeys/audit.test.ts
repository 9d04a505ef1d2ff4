import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openSyslogReceiver, type SyslogReceiver, type TempDir, tempDir } from '@berth/testkit'
import { generate } from 'selfsigned'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Api, type Person, ROLE } from '../src/api.ts'
import { ask, basic } from '../src/http.ts'
import { type Image, makeImage } from '../src/images/image.ts'
import { sleep } from '../src/process.ts'
import { askToken, RegistryClient } from '../src/registry-client.ts'
import { type Suite, startSuite } from '../src/suite.ts'

interface Entry {
  username: string
  operation: string
  resource_type: string
  resource: string
  operation_description?: string
  operation_result?: boolean
  client_address?: string
  request_id?: string
}

/** `<PRI>1 TIME HOST berth - KIND [audit@32473 …] TEXT` @see RFC 5424, section 6 */
const MESSAGE =
  /^<(?:108|110)>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [\x21-\x7e]{1,255} berth - [a-z-]+_[a-z-]{1,26} \[audit@32473(?: [a-z_]+="(?:[^"\\\]]|\\["\\\]])*")+\] \S.*$/
/** Pulls are written down every ten seconds. */
const PATIENCE_MS = 60_000

describe('what people do in a suite', () => {
  let files: TempDir
  let suite: Suite
  let admin: Api
  let dora: Person
  let image: Image
  let tcp: SyslogReceiver
  let tls: SyslogReceiver
  const secrets: string[] = []
  /** A password in the field of the name. */
  const mistyped = `canary-mistyped-${randomBytes(9).toString('hex')}`

  beforeAll(async () => {
    files = await tempDir('audit')
    const made = await generate([{ name: 'commonName', value: 'a receiver' }], {
      keyType: 'ec',
      algorithm: 'sha256',
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
    })
    const ca = join(files.path, 'receiver.pem')
    await writeFile(ca, made.cert)
    ;[tcp, tls] = await Promise.all([openSyslogReceiver(), openSyslogReceiver({ pem: made.private + made.cert })])
    suite = await startSuite({ env: { BERTH_EGRESS_ALLOW: '127.0.0.1', BERTH_LOG_COLLECTOR_SYSLOG_CA: ca } })
    admin = Api.admin(suite)
    await admin.must(200, 'PUT', '/api/v2.0/configurations', {
      audit_log_forward_endpoint: `127.0.0.1:${tcp.port}`,
      ldap_search_password: secret('directory'),
      oidc_client_secret: secret('provider'),
    })
    dora = await admin.createUser('dora')
    secrets.push(dora.password, suite.adminPassword)
    await admin.createProject('audited')
    await admin.addMember('audited', dora, ROLE.developer)
    image = await makeImage({ name: 'audited' })
  })

  afterAll(async () => {
    await suite?.stop()
    await Promise.all([tcp?.stop(), tls?.stop()])
    await files?.remove()
  })

  function secret(name: string): string {
    const text = `canary-${name}-${randomBytes(9).toString('hex')}`
    secrets.push(text)
    return text
  }

  const read = async (path: string, q = ''): Promise<Entry[]> => {
    const answer = await admin.must(200, 'GET', `/api/v2.0${path}?page_size=100&q=${encodeURIComponent(q)}`)
    return answer.json<Entry[]>()
  }

  /** The entry that fits, once it is there. */
  async function find(path: string, q: string): Promise<Entry> {
    for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await sleep(250)) {
      const [found] = await read(path, q)
      if (found) return found
    }
    throw new Error(`no entry in ${path} for ${q}`)
  }

  it('a push, a pull and a deletion are found in both lists, with who, from where and in which request', async () => {
    const client = new RegistryClient(suite.url, basic(dora.name, dora.password))
    await client.pushImage('audited/app', '1', image)
    const retagged = await client.putManifest('audited/app', '2', image)
    expect(retagged.status).toBe(201)
    await client.pullImage('audited/app', '1')
    await admin.must(200, 'DELETE', '/api/v2.0/projects/audited/repositories/app/artifacts/1/tags/1')
    await admin.must(200, 'DELETE', '/api/v2.0/projects/audited/repositories/app/artifacts/2')
    const wanted = [
      ['dora', 'create', 'artifact', 'audited/app:1'],
      ['dora', 'create', 'artifact', 'audited/app:2'],
      ['dora', 'pull', 'artifact', 'audited/app:1'],
      ['admin', 'delete', 'tag', 'audited/app:1'],
      ['admin', 'delete', 'artifact', 'audited/app:2'],
    ]
    for (const [username, operation, type, resource] of wanted) {
      const q = `username=${username},operation=${operation},resource_type=${type},resource=${resource}`
      for (const path of [
        '/audit-logs',
        '/projects/audited/logs',
        '/auditlog-exts',
        '/projects/audited/auditlog-exts',
      ]) {
        expect(await find(path, q)).toMatchObject({ username, operation, resource_type: type, resource })
      }
      expect(await find('/auditlog-exts', q)).toMatchObject({ operation_result: true, client_address: '127.0.0.1' })
    }
    const push = await find('/auditlog-exts', 'operation=create,resource=audited/app:2')
    expect(push.request_id).toBe(retagged.headers['x-request-id'])
    expect(await read('/auditlog-exts', 'resource=audited/app:2,operation=create')).toHaveLength(1)
  })

  it('a login and a logout of a browser are found', async () => {
    const opened = await new Api(suite.url).get('/api/v2.0/systeminfo')
    const cookies = [opened.headers['set-cookie'] ?? []].flat().map((cookie) => cookie.split(';')[0])
    const { status, headers } = await ask(new URL('/c/login', suite.url), {
      method: 'POST',
      body: new URLSearchParams({ principal: dora.name, password: dora.password }).toString(),
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        cookie: cookies.join('; '),
        'x-harbor-csrf-token': String(opened.headers['x-harbor-csrf-token']),
      },
    })
    expect(status).toBe(200)
    const sid = [headers['set-cookie'] ?? []].flat().find((cookie) => cookie.startsWith('sid='))
    await new Api(suite.url).get('/c/log_out', { headers: { cookie: String(sid?.split(';')[0]) } })
    for (const operation of ['login', 'logout']) {
      const entry = await find('/auditlog-exts', `operation=${operation},resource=dora,operation_result=true`)
      expect(entry).toMatchObject({ username: 'dora', resource_type: 'user', client_address: '127.0.0.1' })
    }
  })

  it('what was refused is found as failed: changes, sign-ins to the API and those of docker', async () => {
    const asDora = new Api(suite.url, dora)
    await asDora.must(403, 'DELETE', '/api/v2.0/projects/audited')
    await asDora.must(403, 'PUT', '/api/v2.0/projects/audited/metadatas/public', { public: 'true' })
    const wrong = { name: 'dora', password: secret('wrong') }
    await new Api(suite.url, wrong).must(401, 'GET', '/api/v2.0/users/current')
    expect((await askToken(suite.url, { user: mistyped, password: secret('token') })).status).toBe(401)
    const failed = 'operation_result=false'
    for (const path of ['/auditlog-exts', '/projects/audited/auditlog-exts']) {
      expect(await find(path, `${failed},operation=delete,resource_type=project`)).toMatchObject({
        username: 'dora',
        resource: 'audited',
        operation_description: 'DELETE /api/v2.0/projects/audited was answered 403',
      })
    }
    expect(await find('/auditlog-exts', `${failed},operation=login,resource=dora`)).toMatchObject({ username: 'dora' })
    const unknown = await find('/auditlog-exts', `${failed},operation=login,username=anonymous`)
    expect(unknown).toMatchObject({ resource: 'an unknown name', client_address: '127.0.0.1' })
    expect(await read('/audit-logs', 'username=dora,operation=delete')).toEqual([])
  })

  it('goes to a syslog receiver over TCP, message by message of RFC 5424', async () => {
    const has = (...parts: string[]) => tcp.messages.some((message) => parts.every((part) => message.includes(part)))
    const wanted = [
      [' create_artifact ', 'user="dora"', 'resource="audited/app:1"', 'result="success"'],
      [' pull_artifact ', 'user="dora"', 'resource="audited/app:1"'],
      [' delete_artifact ', 'user="admin"', 'resource="audited/app:2"'],
      [' login_user ', 'user="dora"', 'result="success"', 'address="127.0.0.1"'],
      [' delete_project ', '<108>1', 'user="dora"', 'result="failure"'],
    ]
    for (const parts of wanted) {
      await expect.poll(() => has(...parts), { timeout: PATIENCE_MS, interval: 250 }).toBe(true)
    }
    for (const message of tcp.messages) expect(message).toMatch(MESSAGE)
  })

  it('goes over TLS from the moment the endpoint is changed', async () => {
    const endpoint = `tls://127.0.0.1:${tls.port}`
    await admin.must(200, 'PUT', '/api/v2.0/configurations', { audit_log_forward_endpoint: endpoint })
    let made = 0
    await expect
      .poll(
        async () => {
          await admin.createProject(`over-tls-${++made}`)
          return tls.messages.some((message) => message.includes('create_project'))
        },
        { timeout: PATIENCE_MS, interval: 1_000 },
      )
      .toBe(true)
    for (const message of tls.messages) expect(message).toMatch(MESSAGE)
  })

  it('is written down without a secret, in the lists, in syslog and in the log', async () => {
    const lists = await Promise.all(['/audit-logs', '/auditlog-exts'].map((path) => read(path)))
    const said = [JSON.stringify(lists), ...tcp.messages, ...tls.messages].join('\n')
    // What the services say; the supervisor greets with the made password of the admin.
    const log = (await suite.log())
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .join('\n')
    expect(said).not.toContain(mistyped)
    for (const text of secrets) expect([text, said.includes(text), log.includes(text)]).toEqual([text, false, false])
  })
})
