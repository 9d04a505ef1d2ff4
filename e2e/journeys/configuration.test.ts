import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Api } from '../src/api.ts'
import { basic } from '../src/http.ts'
import { makeImage } from '../src/images/image.ts'
import { type Daemon, startDaemon, until } from '../src/process.ts'
import { askToken, RegistryClient } from '../src/registry-client.ts'
import { freePort, openScratch, removeScratch } from '../src/scratch.ts'
import { CLONE, type Suite, startSuite } from '../src/suite.ts'

const PATH = '/api/v2.0/configurations'

describe('the configuration of a suite', () => {
  let suite: Suite
  let admin: Api
  let registry: RegistryClient

  beforeAll(async () => {
    suite = await startSuite({ scale: { core: 2, registry: 2 }, env: { BANNER_MESSAGE: 'from outside' } })
    admin = Api.admin(suite)
    registry = new RegistryClient(suite.url, basic('admin', suite.adminPassword))
  })
  afterAll(() => suite?.stop())

  it('is in force in every replica of the registry when the change is answered', async () => {
    const image = await makeImage({ name: 'quiet', layerBytes: [2_000] })
    for (let round = 0; round < 5; round++) {
      await admin.must(200, 'PUT', PATH, { read_only: true })
      await Promise.all(
        Array.from({ length: 6 }, async () => {
          await expect(registry.pushImage('library/quiet', 'a', image)).rejects.toMatchObject({ status: 403 })
        }),
      )
      await admin.must(200, 'PUT', PATH, { read_only: false })
      await registry.pushImage('library/quiet', `round-${round}`, image)
    }
  })

  it('gives tokens the time it says', async () => {
    await admin.must(200, 'PUT', PATH, { token_expiration: 7 })
    await until('both replicas of core', 10_000, async () => {
      const answers = await Promise.all(
        Array.from({ length: 6 }, () => askToken(suite.url, { user: 'admin', password: suite.adminPassword })),
      )
      return answers.every((answer) => answer.json<{ expires_in: number }>().expires_in === 420)
    })
  })

  it('cannot change what the environment says', async () => {
    const refused = await admin.call('PUT', PATH, { banner_message: 'other' })
    expect(refused.status).toBe(403)
    const info = (await admin.get('/api/v2.0/systeminfo')).json<{ banner_message: string }>()
    expect(info.banner_message).toBe('from outside')
  })
})

describe('the secret key of a suite', () => {
  let home: string
  let running: Daemon | undefined
  const password = 'Berth-first-1'

  /** Runs `npm start` on the same data. */
  async function start(env: Record<string, string>): Promise<string> {
    let url = ''
    const daemon = startDaemon('npm', ['start'], {
      cwd: CLONE,
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        BERTH_DATA: join(home, 'data'),
        BERTH_HTTP_PORT: String(await freePort()),
        BERTH_ADMIN_PASSWORD: password,
        ...env,
      },
      logFile: join(home, 'suite.log'),
      onLine: (line) => {
        url ||= /^Berth is ready at (\S+)$/.exec(line)?.[1] ?? ''
      },
    })
    running = daemon
    await until('the suite to be ready or gone', 300_000, () => url !== '' || !daemon.running())
    if (url === '') throw new Error(await daemon.log())
    return url
  }

  beforeAll(async () => {
    home = await openScratch()
  })
  afterAll(async () => {
    await running?.stop(30_000)
    await removeScratch(home)
  })

  it('can be changed: robots, people and tokens go on, and the old one is of no more use', async () => {
    const [before, after] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')]
    const first = new Api(await start({ BERTH_SECRET_KEY: before }), { name: 'admin', password })
    await first.must(200, 'PUT', PATH, { ldap_search_password: 'canary-of-the-directory' })
    const permissions = [
      { kind: 'project', namespace: 'library', access: [{ resource: 'repository', action: 'pull' }] },
    ]
    const made = await first.must(201, 'POST', '/api/v2.0/robots', {
      name: 'ci',
      level: 'system',
      duration: -1,
      permissions,
    })
    const robot = made.json<{ name: string; secret: string }>()
    const works = async (url: string) => {
      const asked = [
        { user: robot.name, password: robot.secret },
        { user: 'admin', password },
      ]
      for (const who of asked) {
        const answer = await askToken(url, { ...who, scopes: ['repository:library/app:pull'] })
        expect(answer.status).toBe(200)
        const { token } = answer.json<{ token: string }>()
        const { status } = await new RegistryClient(url, `Bearer ${token}`).getManifest('library/app', 'none')
        expect(status).toBe(404)
      }
    }
    await works(first.base)
    await running?.stop(30_000)

    await expect(start({ BERTH_SECRET_KEY: after })).rejects.toThrow('the secret key is not the one')
    const changing = await start({ BERTH_SECRET_KEY: after, BERTH_SECRET_KEY_PREVIOUS: before })
    await works(changing)
    // By then the new signing key signs.
    await new Promise((resolve) => setTimeout(resolve, 15_000))
    await works(changing)
    await running?.stop(30_000)

    await works(await start({ BERTH_SECRET_KEY: after }))
    expect(await running?.log()).not.toContain('canary')
  })
})
