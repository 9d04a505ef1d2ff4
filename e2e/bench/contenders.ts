import { noiseBlob } from '../src/images/blob.ts'
import { type Image, makeImage } from '../src/images/image.ts'
import { startDockerRegistry } from '../src/peers/docker-registry.ts'
import { startNginx } from '../src/peers/nginx.ts'
import type { Watched } from '../src/proc.ts'
import { getToken, RegistryClient } from '../src/registry-client.ts'
import { openScratch, removeScratch } from '../src/scratch.ts'
import { type Suite, startSuite } from '../src/suite.ts'
import type { Tools } from '../tools/install.ts'
import type { Contender } from './measure.ts'

export const REPOSITORY = 'library/bench'
export const TAG = '1'

export interface Sizes {
  bigBytes: number
  partBytes: number
  smallBytes: number
  smalls: number
}

export interface Field {
  /** Berth's registry asked directly, and Debian's docker-registry likewise. */
  direct: { ours: Contender; peer: Contender }
  /** Berth through its gateway, and docker-registry behind nginx. */
  gateway: { ours: Contender; peer: Contender }
  big: string
  smalls: string[]
  stop(): Promise<void>
}

/** Starts Berth and its peers side by side and puts the same content into both; every pull is checked once. */
export async function openField(tools: Tools, sizes: Sizes): Promise<Field> {
  const home = await openScratch()
  const closing: (() => Promise<unknown>)[] = [() => removeScratch(home)]
  const stop = async (): Promise<void> => {
    for (const close of closing.toReversed()) await close()
  }
  try {
    const suite = await startSuite()
    closing.push(() => suite.stop())
    const registry = await startDockerRegistry(tools, home)
    closing.push(() => registry.stop())
    const nginx = await startNginx(tools, home, { upstream: registry.url })
    closing.push(() => nginx.stop())
    const ours = berth(suite)
    const plain = async (): Promise<Record<string, string>> => ({})
    const both = async (): Promise<Watched[]> => [...(await registry.pids()), ...(await nginx.pids())]
    const image = await makeImage({ name: 'bench', layerBytes: [1000, 1000, 1000] })
    const filled = [
      await fill(new RegistryClient(suite.url, (await ours.headers()).authorization), sizes, image),
      await fill(new RegistryClient(registry.url), sizes, image),
    ]
    const [content] = filled
    if (!content) throw new Error('nothing was put in')
    return {
      direct: {
        ours: { ...ours, name: 'registry', base: await directUrl(suite) },
        peer: { name: 'docker-registry', base: registry.url, headers: plain, pids: registry.pids },
      },
      gateway: {
        ours: { ...ours, name: 'gateway', base: suite.url },
        peer: { name: 'nginx + docker-registry', base: nginx.url, headers: plain, pids: both },
      },
      ...content,
      stop,
    }
  } catch (err) {
    await stop()
    throw err
  }
}

async function directUrl(suite: Suite): Promise<string> {
  const registry = (await suite.file()).processes.find((one) => one.service === 'registry')
  if (!registry) throw new Error('suite.json does not say where the registry listens')
  return registry.http
}

function berth(suite: Suite): Pick<Contender, 'headers' | 'pids'> {
  const wish = { user: 'admin', password: suite.adminPassword, scopes: [`repository:${REPOSITORY}:pull,push`] }
  return {
    headers: async () => ({ authorization: `Bearer ${await getToken(suite.url, wish)}` }),
    pids: async () => (await suite.processes()).map(({ pid, program }) => ({ name: program, pid })),
  }
}

async function fill(client: RegistryClient, sizes: Sizes, image: Image): Promise<Pick<Field, 'big' | 'smalls'>> {
  await client.pushImage(REPOSITORY, TAG, image)
  const big = await noiseBlob(sizes.bigBytes, 'bench-big')
  await client.pushBlob(REPOSITORY, big)
  await client.pullBlob(REPOSITORY, big.digest)
  const smalls: string[] = []
  for (let n = 0; n < sizes.smalls; n += 1) {
    const blob = await noiseBlob(sizes.smallBytes, `bench-small-${n}`)
    await client.pushBlob(REPOSITORY, blob)
    await client.pullBlob(REPOSITORY, blob.digest)
    smalls.push(blob.digest)
  }
  return { big: big.digest, smalls }
}
