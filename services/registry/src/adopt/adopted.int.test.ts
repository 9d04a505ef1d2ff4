import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { sha256, someBytes, someImage, type TempDir, tempDir } from '@berth/testkit'
import { CommandLine, type CommandReport } from '@berth/types'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Adopting, openAdopting } from '../testing/adopting.ts'
import { distributionTree } from '../testing/distribution-tree.ts'
import type { World } from '../testing/test-world.ts'

let adopting: Adopting
let world: World
let dir: TempDir
let tree: ReturnType<typeof distributionTree>

beforeAll(async () => {
  adopting = await openAdopting()
  world = adopting.world
})
afterAll(() => adopting?.stop())
beforeEach(async () => {
  await dir?.remove()
  dir = await tempDir('adopted')
  tree = distributionTree(dir.path)
})

const adopt = (...args: string[]) => adopting.run('adopt', args)
const client = (name: string) => adopting.client(name)
const usage = () => adopting.usage()

describe('an adoption that is killed', () => {
  it('goes on where it was, and ends as if nothing had happened', async () => {
    const images = Array.from({ length: 40 }, () => someImage([2_000]))
    for (const [i, image] of images.entries()) await tree.image(`library/kill-${i % 8}`, image, [`v${i}`])
    const env = {
      PATH: process.env.PATH,
      BERTH_REGISTRY_DATABASE_URL: world.databaseUrl,
      BERTH_REGISTRY_ROOT: world.storageRoot,
    }
    const main = fileURLToPath(new URL('../main.ts', import.meta.url))
    const start = () =>
      spawn(process.execPath, ['--conditions=@berth/source', main, 'adopt', dir.path], {
        env,
        stdio: ['ignore', 'pipe', 'inherit'],
      })
    for (let kills = 0; kills < 3; kills++) {
      const child = start()
      const exited = once(child, 'exit')
      for await (const text of createInterface({ input: child.stdout })) {
        const line = CommandLine.safeParse(JSON.parse(text)).data
        if (line && 'progress' in line && line.progress.step.startsWith('adopting')) {
          setTimeout(() => child.kill('SIGKILL'), kills * 40)
        }
      }
      await exited
    }
    const child = start()
    let report: CommandReport | undefined
    for await (const text of createInterface({ input: child.stdout })) {
      const line = CommandLine.safeParse(JSON.parse(text)).data
      if (line && 'report' in line) report = line.report
    }
    expect(report?.figures).toMatchObject({ repositories: 8, manifests: 40, tags: 40, blobs: 80, untaggedKept: 0 })
    expect(report?.findings).toEqual([])
    for (const [i, image] of images.entries()) {
      const got = await client(`library/kill-${i % 8}`).fetch(`manifests/v${i}`)
      expect(got.headers.get('docker-content-digest')).toBe(image.digest)
    }
    expect((await usage())?.used).toBe((await usage())?.sum)
  }, 60_000)
})

describe('an adoption that is told to stop', () => {
  it('does so after what it has in hand, says so, and goes on the next time', async () => {
    for (let i = 0; i < 5; i++) await tree.image(`library/stop-${i}`, someImage(), ['1'])
    const stop = new AbortController()
    const say = ({ step }: { step: string }) => {
      if (step.includes('stop-2')) stop.abort()
    }
    const stopped = adopting.run('adopt', [dir.path], { signal: stop.signal, say })
    await expect(stopped).rejects.toThrow('stopped before its end; start it again to go on')
    expect((await client('library/stop-1').fetch('manifests/1')).status).toBe(200)
    expect((await client('library/stop-3').fetch('manifests/1')).status).toBe(404)
    expect((await adopt(dir.path)).figures).toMatchObject({ repositories: 5, manifests: 5, tags: 5 })
  })

  it('lets no second one run beside it', async () => {
    for (let i = 0; i < 30; i++) await tree.image(`library/alone-${i}`, someImage(), ['1'])
    const both = await Promise.allSettled([adopt(dir.path), adopt(dir.path)])
    const failures = both.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []))
    expect(failures).toEqual(['Conflict: another adoption is running'])
  })
})

describe('what was taken over', () => {
  it('is compared and read like everything else, and what has rotted there is found', async () => {
    const image = someImage([700])
    await tree.image('library/checked', image, ['1'])
    await adopt(dir.path)
    const layer = join(tree.top, tree.dataPath(sha256(image.layers[0] as Buffer)))
    const run = async (name: string) => {
      const report = await adopting.run(name, []).catch((err: { report?: CommandReport }) => err.report)
      return report?.findings.filter(({ name: what }) => what === sha256(image.layers[0] as Buffer)) ?? []
    }
    expect(await run('fsck')).toEqual([])
    await writeFile(layer, 'cut')
    expect((await run('fsck')).map(({ what }) => what)).toEqual(['wrong size'])
    await writeFile(layer, someBytes(700))
    expect(await run('fsck')).toEqual([])
    await run('scrub')
    expect((await client('library/checked').fetch(`blobs/${sha256(image.layers[0] as Buffer)}`)).status).toBe(500)
    expect((await client('library/checked').postBlob(image.layers[0] as Buffer)).status).toBe(201)
    const healed = await client('library/checked').fetch(`blobs/${sha256(image.layers[0] as Buffer)}`)
    expect(Buffer.from(await healed.arrayBuffer()).equals(image.layers[0] as Buffer)).toBe(true)
  })

  it('is not called corrupt while the directory it is in is away, say because a disk is not mounted', async () => {
    const image = someImage([800])
    await tree.image('library/away', image, ['1'])
    await adopt(dir.path)
    const blob = `blobs/${sha256(image.layers[0] as Buffer)}`
    const corrupt = () =>
      world.sql(`SELECT 1 FROM registry.blob WHERE corrupt_at IS NOT NULL AND digest = $1`, [
        sha256(image.layers[0] as Buffer),
      ])
    await rename(dir.path, `${dir.path}-away`)
    try {
      expect((await client('library/away').fetch(blob)).status).toBe(503)
      await adopting.run('scrub', []).catch(() => undefined)
      expect(await corrupt()).toEqual([])
    } finally {
      await rename(`${dir.path}-away`, dir.path)
    }
    const got = await client('library/away').fetch(blob)
    expect(Buffer.from(await got.arrayBuffer()).equals(image.layers[0] as Buffer)).toBe(true)
  })

  it('is collected by its key once nobody names it, and nothing else of the other storage', async () => {
    const [gone, stays] = [someImage([800]), someImage([900])]
    await tree.image('library/collected', gone, ['gone'])
    await tree.image('library/collected', stays, ['stays'])
    await adopt(dir.path)
    const app = client('library/collected')
    expect((await app.fetch(`manifests/${gone.digest}`, { method: 'DELETE' })).status).toBe(202)
    for (const blob of [gone.config, ...gone.layers]) {
      expect((await app.fetch(`blobs/${sha256(blob)}`, { method: 'DELETE' })).status).toBe(202)
    }
    const { env } = await adopting.parts()
    const now = { ...env, GC_TIME_WINDOW_HOURS: '0', BERTH_REGISTRY_GC_GRACE_SECONDS: '0' }
    const report = await adopting.run('gc', ['--delete-untagged'], { env: now })
    expect(report?.figures).toMatchObject({ state: 'finished' })
    const isThere = async (digest: string) =>
      (await stat(join(tree.top, tree.dataPath(digest))).catch(() => undefined)) !== undefined
    for (const blob of [gone.config, ...gone.layers]) expect(await isThere(sha256(blob))).toBe(false)
    for (const blob of [stays.config, ...stays.layers, stays.manifest]) expect(await isThere(sha256(blob))).toBe(true)
    expect((await app.fetch('manifests/stays')).status).toBe(200)
  })
})
