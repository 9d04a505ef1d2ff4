import { OCI_MANIFEST } from '../src/images/image.ts'
import { runOk } from '../src/process.ts'
import type { Tools } from '../tools/install.ts'
import { type Field, REPOSITORY, TAG } from './contenders.ts'
import { requestRate } from './drain.ts'
import { compare, type Row, type Target } from './measure.ts'

/** One row of each kind is also measured beside what Debian has. */
const BESIDE_DEBIAN = 16
const PATH = `/v2/${REPOSITORY}/manifests/${TAG}`

/** wrk for GET; our own client for HEAD, after which wrk waits for a body that never comes. */
async function get(tools: Tools, target: Target, connections: number, seconds: number): Promise<number> {
  const headers = Object.entries({ accept: OCI_MANIFEST, ...target.headers })
  const flags = [`-t${Math.min(connections, 2)}`, `-c${connections}`, `-d${Math.ceil(seconds)}s`, '--timeout', '30s']
  const asked = headers.flatMap(([name, value]) => ['-H', `${name}: ${value}`])
  const { output } = await runOk('wrk', [...flags, ...asked, `${target.base}${PATH}`], { env: tools.env })
  const rate = /Requests\/sec: +([\d.]+)/.exec(output)
  if (!rate || /Non-2xx|Socket errors/.test(output)) throw new Error(`${target.name}:\n${output}`)
  return Number(rate[1])
}

async function head(target: Target, connections: number, seconds: number): Promise<number> {
  const headers = { accept: OCI_MANIFEST, ...target.headers }
  return requestRate(target.base, { method: 'HEAD', path: PATH, headers }, connections, seconds)
}

/** Manifests by tag, requests a second; ours with a token, the peer without any access control. */
export async function p5(
  tools: Tools,
  field: Field,
  wish: { connections: readonly number[]; seconds: number; repeats: number },
): Promise<Row[]> {
  const rows: Row[] = []
  for (const [way, pair, reach] of [
    ['direct', field.direct, 1.5],
    ['gateway', field.gateway, 1.0],
  ] as const) {
    for (const method of ['GET', 'HEAD'] as const) {
      for (const connections of wish.connections) {
        const work = `${way}: manifest ${method} by tag, ${connections} connection${connections > 1 ? 's' : ''}`
        const run = (target: Target): Promise<number> =>
          method === 'GET' ? get(tools, target, connections, wish.seconds) : head(target, connections, wish.seconds)
        const shared = { id: 'P5', unit: 'requests/s', repeats: wish.repeats, reach, run }
        rows.push(await compare({ ...shared, work, ...pair }))
        if (connections !== BESIDE_DEBIAN) continue
        const peer = field.debian[way]
        rows.push(await compare({ ...shared, work: `${work}, beside ${peer.name}`, ours: pair.ours, peer }))
      }
    }
  }
  return rows
}
