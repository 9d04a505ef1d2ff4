import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Api } from '../src/api.ts'
import { noiseBlob } from '../src/images/blob.ts'
import { type Image, makeImage } from '../src/images/image.ts'
import { startDockerRegistry } from '../src/peers/docker-registry.ts'
import { startNginx } from '../src/peers/nginx.ts'
import type { Peer } from '../src/peers/peer.ts'
import { getToken, RegistryClient } from '../src/registry-client.ts'
import { openScratch, removeScratch } from '../src/scratch.ts'
import { type Suite, startSuite } from '../src/suite.ts'
import type { Tools } from '../tools/install.ts'
import type { PeerPrograms } from '../tools/peers.ts'
import type { Contender } from './measure.ts'
import { startDistribution, startOlareg } from './peers/distribution.ts'

export const REPOSITORY = 'library/bench'
export const TAG = '1'
/** Where small images go: into the first, or into all. */
export const PROJECTS = ['library', ...Array.from({ length: 31 }, (_, n) => `bench-${n + 1}`)]

export interface Sizes {
  bigBytes: number
  partBytes: number
  smallBytes: number
  smalls: number
  /** Of each of many layers pushed at once. */
  manyBytes: number
}

interface Pair {
  ours: Contender
  peer: Contender
}

export interface Field {
  suite: Suite
  /** Berth's registry asked directly, and distribution likewise. */
  direct: Pair
  /** Berth through its gateway, and distribution behind nginx. */
  gateway: Pair
  olareg: Contender
  /** Debian's docker-registry, alone and behind an nginx of its own. */
  debian: { direct: Contender; gateway: Contender }
  big: string
  smalls: string[]
  stop(): Promise<void>
}

/** Each wrong password is hashed and none locks anybody out: what is measured is what that costs the others. */
const GUESSES_COST = { BERTH_CORE_FAILED_LOGINS_PER_ACCOUNT: '0', BERTH_CORE_FAILED_LOGINS_PER_ADDRESS: '0' }

/** Starts Berth and its peers side by side and puts the same content into all; every pull is checked once. */
export async function openField(tools: Tools, programs: PeerPrograms, sizes: Sizes): Promise<Field> {
  const home = await openScratch()
  const closing: (() => Promise<unknown>)[] = [() => removeScratch(home)]
  const stop = async (): Promise<void> => {
    for (const close of closing.toReversed()) await close()
  }
  const started = async <T extends { stop(): Promise<unknown> }>(starting: Promise<T>): Promise<T> => {
    const one = await starting
    closing.push(() => one.stop())
    return one
  }
  try {
    const suite = await started(startSuite({ env: GUESSES_COST }))
    const distribution = await started(startDistribution(programs.distribution, home))
    const olareg = await started(startOlareg(programs.olareg, home))
    const debian = await started(startDockerRegistry(tools, home))
    const nginx = await started(startNginx(tools, join(home, 'nginx-1'), { upstream: distribution.url }))
    const nginxOfDebian = await started(startNginx(tools, join(home, 'nginx-2'), { upstream: debian.url }))
    for (const project of PROJECTS.slice(1)) await Api.admin(suite).createProject(project)
    const ours = berthContender(suite)
    const image = await makeImage({ name: 'bench', layerBytes: [1000, 1000, 1000] })
    const filled = [
      await fill(new RegistryClient(suite.url, (await ours.headers()).authorization), sizes, image),
      await fill(new RegistryClient(distribution.url), sizes, image),
      await fill(new RegistryClient(debian.url), sizes, image),
    ]
    const [content] = filled
    if (!content) throw new Error('nothing was put in')
    const blobs = join(home, 'distribution/data/docker/registry/v2/blobs/sha256')
    const ofDistribution = onDisk((hex) => join(blobs, hex.slice(0, 2), hex))
    const blobsOfDebian = join(home, 'docker-registry/data/docker/registry/v2/blobs/sha256')
    const ofDebian = onDisk((hex) => join(blobsOfDebian, hex.slice(0, 2), hex))
    return {
      suite,
      direct: {
        ours: { ...ours, name: 'registry', base: await directUrl(suite) },
        peer: plain('distribution', distribution, ofDistribution),
      },
      gateway: {
        ours: { ...ours, name: 'gateway', base: suite.url },
        peer: plain('nginx + distribution', nginx, ofDistribution, distribution),
      },
      olareg: plain(
        'olareg',
        olareg,
        onDisk((hex) => join(home, 'olareg', REPOSITORY, 'blobs/sha256', hex)),
      ),
      debian: {
        direct: plain('docker-registry', debian, ofDebian),
        gateway: plain('nginx + docker-registry', nginxOfDebian, ofDebian, debian),
      },
      ...content,
      stop,
    }
  } catch (err) {
    await stop()
    throw err
  }
}

type Stored = Pick<Contender, 'copies' | 'forget'>

/** A peer, with whatever stands behind it; nobody checks anything there. */
function plain(name: string, front: Peer, stored: Stored, behind?: Peer): Contender {
  const pids = async () => [...(await front.pids()), ...((await behind?.pids()) ?? [])]
  return { name, base: front.url, headers: async () => ({}), pids, ...stored }
}

/** `pathOf` is where a blob is: a file, or a directory with a file for each copy. */
function onDisk(pathOf: (hex: string) => string): Stored {
  const at = (digest: string): string => pathOf(digest.slice(digest.indexOf(':') + 1))
  return {
    copies: async (digest) =>
      readdir(at(digest)).then(
        (names) => names.length,
        (err: NodeJS.ErrnoException) => (err.code === 'ENOTDIR' ? 1 : 0),
      ),
    forget: (digest) => rm(at(digest), { recursive: true, force: true }),
  }
}

async function directUrl(suite: Suite): Promise<string> {
  const registry = (await suite.file()).processes.find((one) => one.service === 'registry')
  if (!registry) throw new Error('suite.json does not say where the registry listens')
  return registry.http
}

/** Berth, whichever of its doors is asked. */
export function berthContender(suite: Suite): Omit<Contender, 'name' | 'base'> {
  const blobs = join(suite.data, 'registry/blobs/sha256')
  return {
    headers: async (repositories = [REPOSITORY]) => {
      const scopes = repositories.map((name) => `repository:${name}:pull,push`)
      const wish = { user: 'admin', password: suite.adminPassword, scopes }
      return { authorization: `Bearer ${await getToken(suite.url, wish)}` }
    },
    pids: async () => (await suite.processes()).map(({ pid, program }) => ({ name: program, pid })),
    ...onDisk((hex) => join(blobs, hex.slice(0, 2), hex)),
    services: () => suite.services(),
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
