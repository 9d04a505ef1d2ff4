import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { Api } from '../src/api.ts'
import { median } from '../src/figures.ts'
import { ask, basic } from '../src/http.ts'
import { askToken } from '../src/registry-client.ts'
import type { Suite } from '../src/suite.ts'
import { type Field, REPOSITORY, TAG } from './contenders.ts'
import { requestRate } from './drain.ts'
import { type Contender, measureOurs, type Row, type Run } from './measure.ts'
import { profileServices } from './profile.ts'
import { overWire } from './pushing.ts'

const CONNECTIONS = 16
const LEAST_OF_SIGNING = 0.5
const LEAST_IN_FLOOD = 0.7
const COLD_USERS = 5

interface Wish {
  seconds: number
  repeats: number
}

/** Tokens a second by who asks and for how much, and what a flood of wrong passwords leaves of the pulls. */
export async function p6(field: Field, wish: Wish): Promise<Row[]> {
  const { suite } = field
  const ours: Contender = { ...field.gateway.ours, name: 'token', base: await doorOf(suite, 'token') }
  const api = Api.admin(suite)
  const robot = await makeRobot(api)
  const user = await api.createUser('bench-user')
  const signing = await signingRate(suite, wish.seconds)
  const admin = basic('admin', suite.adminPassword)
  const kinds: [string, Record<string, string>, number, boolean][] = [
    ['robot, 1 scope', { authorization: robot }, 1, true],
    ['robot, 20 scopes', { authorization: robot }, 20, false],
    ['anonymous, 1 scope', {}, 1, true],
    ['anonymous, 20 scopes', {}, 20, false],
    ['user known before, 1 scope', { authorization: basic(user.name, user.password) }, 1, false],
    ['administrator known before, 20 scopes', { authorization: admin }, 20, false],
  ]
  const rows: Row[] = []
  for (const [who, headers, scopes, isHeld] of kinds) {
    const path = pathOf(scopes)
    const run: Run = ({ base }) => requestRate(base, { method: 'GET', path, headers }, CONNECTIONS, wish.seconds)
    const measured = await middleOf(ours, run, wish.repeats)
    const ratio = measured.rate / signing
    const verdict = !isHeld || ratio >= LEAST_OF_SIGNING ? 'reached' : 'missed'
    const isLookedInto = verdict === 'missed' && wish.repeats > 1
    rows.push({
      id: 'P6',
      work: `tokens: ${who}`,
      unit: 'tokens/s',
      ours: measured,
      peer: { name: 'bare signing', rate: signing, peakMiB: 0, peakOfOneMiB: 0, cpuSeconds: 0 },
      ratio,
      reach: isHeld ? `≥ ${LEAST_OF_SIGNING} ×` : 'told',
      verdict,
      profiles: isLookedInto ? await profileServices(ours, () => measureOurs(ours, run)) : undefined,
    })
  }
  return [...rows, await coldUsers(api, ours, suite), await flood(field, ours, wish)]
}

async function doorOf(suite: Suite, service: string): Promise<string> {
  const found = (await suite.file()).processes.find((one) => one.service === service)
  if (!found) throw new Error(`suite.json does not say where ${service} listens`)
  return found.http
}

async function makeRobot(api: Api): Promise<string> {
  const access = ['pull', 'push'].map((action) => ({ resource: 'repository', action }))
  const permissions = [{ kind: 'project', namespace: 'library', access }]
  const body = { name: 'bench', level: 'system', duration: -1, permissions }
  const { name, secret } = (await api.must(201, 'POST', '/api/v2.0/robots', body)).json<{
    name: string
    secret: string
  }>()
  return basic(name, secret)
}

function pathOf(scopes: number): string {
  const query = new URLSearchParams({ service: 'harbor-registry' })
  for (let n = 0; n < scopes; n += 1) query.append('scope', `repository:library/bench-${n}:pull`)
  return `/service/token?${query}`
}

/** Signatures a second of one thread with a key like the one tokens are signed with. */
async function signingRate(suite: Suite, seconds: number): Promise<number> {
  const { keys } = (await ask(`${suite.url}/service/token/keys`)).json<{ keys: { kty: string; n?: string }[] }>()
  const [jwk] = keys
  const bits = Buffer.from(jwk?.n ?? '', 'base64url').length * 8
  const key: KeyObject =
    jwk?.kty === 'RSA'
      ? generateKeyPairSync('rsa', { modulusLength: bits }).privateKey
      : generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const text = randomBytes(600)
  const began = performance.now()
  let count = 0
  for (; performance.now() - began < seconds * 1000; count += 1) sign('sha256', text, key)
  return count / ((performance.now() - began) / 1000)
}

async function middleOf(ours: Contender, run: Run, repeats: number) {
  const runs: Awaited<ReturnType<typeof measureOurs>>[] = []
  for (let n = 0; n < repeats; n += 1) runs.push(await measureOurs(ours, run))
  runs.sort((a, b) => a.rate - b.rate)
  const middle = runs[Math.floor(runs.length / 2)]
  if (!middle) throw new Error('nothing was measured')
  return middle
}

async function coldUsers(api: Api, ours: Contender, suite: Suite): Promise<Row> {
  const took: number[] = []
  const measured = await measureOurs(ours, async () => {
    for (let n = 0; n < COLD_USERS; n += 1) {
      const { name, password } = await api.createUser(`bench-cold-${n}`)
      const answer = await askToken(suite.url, { user: name, password, scopes: [`repository:${REPOSITORY}:pull`] })
      if (answer.status !== 200) throw new Error(`a token for ${name}: ${answer.status} ${answer.text}`)
      took.push(answer.tookMs)
    }
    return median(took)
  })
  const work = 'tokens: a user never seen before, whose password is hashed'
  return { id: 'P6', work, unit: 'ms', ours: measured, reach: 'told', verdict: 'reached' }
}

/** Wrong passwords go straight to the token service, past the gateway, who would refuse them after a few. */
async function flood(field: Field, token: Contender, { seconds }: Wish): Promise<Row> {
  const path = `/v2/${REPOSITORY}/manifests/${TAG}`
  const pull: Run = ({ base, headers }) => requestRate(base, { method: 'GET', path, headers }, CONNECTIONS, seconds)
  const { ours } = field.gateway
  const before = await measureOurs(ours, pull)
  let going = true
  const guess = () =>
    overWire(token.base, async (wire) => {
      while (going) {
        await wire.ask('GET', pathOf(1), { authorization: basic('admin', randomBytes(8).toString('hex')) })
      }
    })
  const guessing = Promise.all(Array.from({ length: CONNECTIONS }, guess))
  const during = await measureOurs(ours, pull)
  going = false
  await guessing
  const ratio = during.rate / before.rate
  return {
    id: 'P6',
    work: 'gateway: manifests while 16 connections guess passwords, by without',
    unit: 'requests/s',
    ours: during,
    peer: { ...before, name: 'without' },
    ratio,
    reach: `≥ ${LEAST_IN_FLOOD} ×`,
    verdict: ratio >= LEAST_IN_FLOOD ? 'reached' : 'missed',
  }
}
