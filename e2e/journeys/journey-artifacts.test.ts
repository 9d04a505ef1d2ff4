import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Api, type Person, ROLE } from '../src/api.ts'
import { type Command, openCommand } from '../src/clients/command.ts'
import { type Image, makeImage } from '../src/images/image.ts'
import { writeDockerArchive } from '../src/images/on-disk.ts'
import { type Recorder, startRecorder, uploads } from '../src/recorder.ts'
import { openScratch, removeScratch } from '../src/scratch.ts'
import { type Suite, startSuite } from '../src/suite.ts'
import { openTools } from '../tools/install.ts'

const HTTP = '--plain-http'

describe('artifacts of every kind, with helm, oras and crane', () => {
  let home: string
  let suite: Suite
  let recorder: Recorder
  let person: Person
  let at: string
  let oras: Command
  let crane: Command
  let helm: Command

  beforeAll(async () => {
    home = await openScratch()
    const tools = await openTools()
    suite = await startSuite()
    recorder = await startRecorder(suite.url)
    const admin = Api.admin(suite)
    person = await admin.createUser('arthur')
    await admin.createProject('artifacts')
    await admin.addMember('artifacts', person, ROLE.maintainer)
    at = `${recorder.host}/artifacts`
    oras = await openCommand(tools, 'oras', join(home, 'oras'))
    crane = await openCommand(tools, 'crane', join(home, 'crane'))
    helm = await openCommand(tools, 'helm', join(home, 'helm'), {
      HELM_REGISTRY_CONFIG: join(home, 'helm', 'registry.json'),
      HELM_CACHE_HOME: join(home, 'helm', 'cache'),
      HELM_DATA_HOME: join(home, 'helm', 'data'),
    })
  })

  afterAll(async () => {
    await recorder?.stop()
    await suite?.stop()
    await removeScratch(home)
  })

  const login = ['--username', () => person.name, '--password-stdin', () => recorder.host] as const
  const loginTo = (client: Command, ...words: string[]): Promise<string> =>
    client.fed(person.password, ...words, ...login.map((word) => (typeof word === 'string' ? word : word())))
  const sha256 = async (file: string): Promise<string> =>
    createHash('sha256')
      .update(await readFile(file))
      .digest('hex')

  describe('helm', () => {
    beforeAll(async () => {
      const chart = join(home, 'helm', 'hello')
      await mkdir(join(chart, 'templates'), { recursive: true })
      await writeFile(
        join(chart, 'Chart.yaml'),
        'apiVersion: v2\nname: hello\nversion: 1.2.3\ndescription: A chart of the tests\n',
      )
      await writeFile(join(chart, 'values.yaml'), 'greeting: hello\n')
      await writeFile(
        join(chart, 'templates', 'map.yaml'),
        'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: hello\ndata:\n  greeting: {{ .Values.greeting }}\n',
      )
      await mkdir(join(home, 'helm', 'back'))
      await helm('package', chart)
      await loginTo(helm, 'registry', 'login', HTTP)
    })

    it('pushes a chart and pulls the same bytes', async () => {
      const file = join(home, 'helm', 'hello-1.2.3.tgz')
      await helm('push', file, `oci://${at}`, HTTP)
      await helm('pull', `oci://${at}/hello`, '--version', '1.2.3', '--destination', join(home, 'helm', 'back'), HTTP)
      expect(await sha256(join(home, 'helm', 'back', 'hello-1.2.3.tgz'))).toBe(await sha256(file))
    })

    it('renders and shows a chart where it lies', async () => {
      const chart = [`oci://${at}/hello`, '--version', '1.2.3', HTTP]
      expect(await helm('template', 'mine', ...chart, '--set', 'greeting=bonjour')).toContain('greeting: bonjour')
      expect(await helm('show', 'values', ...chart)).toContain('greeting: hello')
    })

    it('is told when there is no such version', async () => {
      const pull = await helm.tried('pull', `oci://${at}/hello`, '--version', '9.9.9', HTTP)
      expect(pull.code).not.toBe(0)
      expect(pull.output).toMatch(/not found/i)
    })
  })

  describe('oras', () => {
    let file: string

    beforeAll(async () => {
      file = join(home, 'oras', 'weights.bin')
      await writeFile(file, randomBytes(400_000))
      await writeFile(join(home, 'oras', 'note.txt'), 'about the weights')
      await writeFile(join(home, 'oras', 'bill.json'), '{"bill":"of materials"}')
      await loginTo(oras, 'login', HTTP)
    })

    it('pushes files with a type of their own and pulls them back', async () => {
      const files = ['weights.bin:application/vnd.example.weights']
      await oras('push', HTTP, '--artifact-type', 'application/vnd.example.model', `${at}/model:1`, ...files)
      const manifest = JSON.parse(await oras('manifest', 'fetch', HTTP, `${at}/model:1`)) as { artifactType: string }
      expect(manifest.artifactType).toBe('application/vnd.example.model')
      await oras('pull', HTTP, `${at}/model:1`, '--output', join(home, 'oras', 'back'))
      expect(await sha256(join(home, 'oras', 'back', 'weights.bin'))).toBe(await sha256(file))
    })

    it('attaches two kinds of things and discovers each', async () => {
      const attach = (type: string, name: string): Promise<string> =>
        oras('attach', HTTP, '--artifact-type', type, `${at}/model:1`, `${name}:text/plain`)
      await attach('application/vnd.example.note', 'note.txt')
      await attach('application/vnd.example.bill', 'bill.json')
      const discover = async (...more: string[]): Promise<string[]> => {
        const told = await oras('discover', HTTP, '--format', 'json', ...more, `${at}/model:1`)
        const { manifests } = JSON.parse(told) as { manifests: { artifactType: string }[] }
        return manifests.map((one) => one.artifactType).toSorted()
      }
      expect(await discover()).toEqual(['application/vnd.example.bill', 'application/vnd.example.note'])
      expect(await discover('--artifact-type', 'application/vnd.example.note')).toEqual([
        'application/vnd.example.note',
      ])
      expect(recorder.seen.some((one) => one.path.includes('/referrers/') && one.status === 200)).toBe(true)
    })

    it('copies it with all that is attached, and uploads nothing again', async () => {
      recorder.clear()
      await oras('copy', '-r', '--from-plain-http', '--to-plain-http', `${at}/model:1`, `${at}/copy:1,other`)
      const bodies = uploads(recorder.seen).filter((one) => one.method !== 'POST')
      expect(bodies).toEqual([])
      const { manifests } = JSON.parse(await oras('discover', HTTP, '--format', 'json', `${at}/copy:other`)) as {
        manifests: unknown[]
      }
      expect(manifests).toHaveLength(2)
      expect((await oras('repo', 'tags', HTTP, `${at}/copy`)).trim().split('\n')).toEqual(['1', 'other'])
    })

    it('falls back to tags of the older scheme and finds what it wrote', async () => {
      const old = ['--distribution-spec', 'v1.1-referrers-tag']
      await oras('push', HTTP, `${at}/older:1`, 'note.txt:text/plain')
      await oras('attach', HTTP, ...old, '--artifact-type', 'text/x-note', `${at}/older:1`, 'bill.json:text/plain')
      for (const how of [old, []]) {
        const told = await oras('discover', HTTP, ...how, '--format', 'json', `${at}/older:1`)
        expect((JSON.parse(told) as { manifests: unknown[] }).manifests).toHaveLength(1)
      }
    })
  })

  describe('crane', () => {
    let image: Image
    let archive: string

    beforeAll(async () => {
      image = await makeImage({ name: 'crane', layerBytes: [200_000, 3000] })
      archive = await writeDockerArchive(join(home, 'crane.tar'), image, ['crane:1'])
      await loginTo(crane, 'auth', 'login')
    })

    it('pushes an image, and finds it whole', async () => {
      await crane('push', archive, `${at}/crane:1`)
      await crane('validate', '--remote', `${at}/crane:1`)
      const config = await crane('config', `${at}/crane:1`)
      expect(`sha256:${createHash('sha256').update(config).digest('hex')}`).toBe(image.config.digest)
    })

    it('copies to another repository by mounting, and tags without pushing', async () => {
      recorder.clear()
      await crane('copy', `${at}/crane:1`, `${at}/crane-copy:1`)
      expect(recorder.seen.filter((one) => one.path.includes('mount=')).map((one) => one.status)).toContain(201)
      expect(uploads(recorder.seen).filter((one) => one.method !== 'POST')).toEqual([])
      await crane('tag', `${at}/crane-copy:1`, 'two')
      expect((await crane('ls', `${at}/crane-copy`)).trim().split('\n')).toEqual(['1', 'two'])
      expect(await crane('digest', `${at}/crane-copy:two`)).toBe(await crane('digest', `${at}/crane:1`))
    })

    it('changes an image where it lies and pulls it', async () => {
      await crane('mutate', `${at}/crane:1`, '--label', 'changed=yes', '--tag', `${at}/crane:changed`)
      expect(await crane('config', `${at}/crane:changed`)).toContain('"changed":"yes"')
      await crane('pull', `${at}/crane:changed`, join(home, 'pulled.tar'))
      await crane('validate', '--tarball', join(home, 'pulled.tar'))
    })

    it('may not delete with the token it asks for, which is one to push', async () => {
      const refused = await crane.tried('delete', `${at}/crane:changed`)
      expect(refused.code).not.toBe(0)
      expect(refused.output).toContain('UNAUTHORIZED')
      await crane('validate', '--remote', `${at}/crane:changed`)
    })
  })
})
