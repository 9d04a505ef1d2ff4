import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN_PASSWORD, openSurroundings, type RunningCore, type Surroundings } from '../testing/harness.ts'

let surroundings: Surroundings
const admin = `admin:${ADMIN_PASSWORD}`

beforeAll(async () => {
  surroundings = await openSurroundings()
})
afterAll(() => surroundings?.stop())

type Shown = Record<string, { value: unknown; editable: boolean }>

const read = async (core: RunningCore) => (await core.get('/configurations', { as: admin })).body as Shown
const put = (core: RunningCore, body: unknown) => core.put('/configurations', { as: admin, body })

async function query(databaseUrl: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

describe('the environment', () => {
  it('says single settings, which stay as they are when it says them no more', async () => {
    const first = await surroundings.startCore({ BANNER_MESSAGE: 'from outside', LDAP_SEARCH_PWD: 'canary' })
    const { databaseUrl: DATABASE_URL } = first
    expect((await read(first)).banner_message).toEqual({ value: 'from outside', editable: false })
    expect((await put(first, { banner_message: 'other' })).status).toBe(403)
    expect((await put(first, { ldap_search_password: 'other' })).status).toBe(403)
    expect((await put(first, { banner_message: 'from outside', token_expiration: 5 })).status).toBe(200)
    expect(JSON.stringify(await query(DATABASE_URL, 'SELECT * FROM core.settings'))).not.toContain('canary')
    await first.stop()

    const revision = await query(DATABASE_URL, 'SELECT revision FROM core.setting_revision')
    const again = await surroundings.startCore({
      DATABASE_URL,
      BANNER_MESSAGE: 'from outside',
      LDAP_SEARCH_PWD: 'canary',
    })
    await again.stop()
    expect(await query(DATABASE_URL, 'SELECT revision FROM core.setting_revision')).toEqual(revision)

    const free = await surroundings.startCore({ DATABASE_URL })
    expect((await read(free)).banner_message).toEqual({ value: 'from outside', editable: true })
    expect((await put(free, { banner_message: 'ours' })).status).toBe(200)
    await free.stop()
  })

  it('says the whole configuration with CONFIG_OVERWRITE_JSON, which nobody can change then', async () => {
    const core = await surroundings.startCore({
      CONFIG_OVERWRITE_JSON: '{"read_only": "true", "token_expiration": 12, "oidc_client_secret": "canary"}',
    })
    const shown = await read(core)
    expect([shown.token_expiration?.value, shown.read_only?.value]).toEqual([12, true])
    expect(Object.values(shown).every(({ editable }) => editable === false)).toBe(true)
    const refused = await put(core, { token_expiration: 12 })
    expect([refused.status, refused.text]).toEqual([403, expect.stringContaining('CONFIG_OVERWRITE_JSON')])
    expect(surroundings.peers.modes.length).toBeGreaterThan(0)
    expect(JSON.stringify(await query(core.databaseUrl, 'SELECT * FROM core.settings'))).not.toContain('canary')
    await core.stop()
  })

  it('ends the start with settings that do not go together', async () => {
    const started = surroundings.startCore({ SKIP_LOG_AUDIT_DATABASE: 'true' })
    await expect(started).rejects.toThrow('SKIP_LOG_AUDIT_DATABASE: needs an audit_log_forward_endpoint')
  })
})

describe('the secret key', () => {
  const newKey = () => randomBytes(32).toString('base64')

  it('can be changed: secrets are closed anew, robots and the keys of core go on', async () => {
    const [before, after] = [newKey(), newKey()]
    const first = await surroundings.startCore({ BERTH_SECRET_KEY: before })
    const { databaseUrl: DATABASE_URL } = first
    await put(first, { ldap_search_password: 'canary' })
    const made = await first.post('/robots', {
      as: admin,
      body: {
        name: 'ci',
        level: 'system',
        duration: -1,
        permissions: [{ kind: 'project', namespace: 'library', access: [{ resource: 'repository', action: 'list' }] }],
      },
    })
    const { name, secret } = made.body as { name: string; secret: string }
    await first.stop()

    await expect(surroundings.startCore({ DATABASE_URL, BERTH_SECRET_KEY: after })).rejects.toThrow(
      'BERTH_SECRET_KEY: is not the key of this database',
    )
    const changing = await surroundings.startCore({
      DATABASE_URL,
      BERTH_SECRET_KEY: after,
      BERTH_SECRET_KEY_PREVIOUS: before,
    })
    await changing.stop()
    const changed = await surroundings.startCore({ DATABASE_URL, BERTH_SECRET_KEY: after })
    expect((await changed.get('/systeminfo', { as: `${name}:${secret}` })).body).toHaveProperty('harbor_version')
    const sealed = await query(
      DATABASE_URL,
      `SELECT split_part(sealed, '.', 1) AS mark FROM core.keys
       UNION ALL SELECT split_part(value ->> 'sealed', '.', 1) FROM core.settings WHERE key = 'ldap_search_password'`,
    )
    expect(sealed.length).toBeGreaterThan(1)
    expect(new Set(sealed.map(({ mark }) => mark)).size).toBe(1)
    expect((await put(changed, { ldap_search_password: 'canary' })).status).toBe(200)
    expect(changed.errors).toEqual([])
    await changed.stop()
  })
})
