import { type Database, statement } from '@berth/db'
import { BadRequest, NotFound } from '@berth/errors'
import { type Descriptor, type ImageManifest, MEDIA_TYPE } from '@berth/oci'
import { limited } from '../limited.ts'
import { BytesMissing, type Storage, type StoredBytes } from '../storage/index.ts'
import { additionsOf } from './addition-names.ts'
import { jsonOf, objectOf } from './attributes.ts'
import { fillerStore } from './filler-store.ts'
import { KIND } from './kind.ts'
import { fileTreeOf, findDocument, pathOf } from './model-files.ts'
import { type BlobPlace, readSmallBlob } from './read-blob.ts'
import { readManifest } from './read-manifest.ts'
import { AdditionTooLarge, findInArchive, packingOf, readWhole } from './unpack.ts'

/** What a reader gets at most; an answer on the wire must stay below 1 MiB. */
export const MAX_ADDITION_BYTES = 512 * 1024
const MAX_CONFIG_BYTES = 4 * 1024 * 1024
/** Archives looked through at a time; each may hold some tens of MiB. */
const AT_ONCE = 4

const TEXT = 'text/plain; charset=utf-8'
const MARKDOWN = 'text/markdown; charset=utf-8'
const JSON_TEXT = 'application/json; charset=utf-8'
const SBOM = 'application/vnd.goharbor.harbor.sbom.v1'

interface Addition {
  /** `text/markdown; charset=utf-8` */
  contentType: string
  bytes: Buffer
}

export interface Additions {
  /**
   * Reads what an artifact carries beside its layers.
   *
   * @param name as in {@link additionsOf}, in any case
   * @throws {BadRequest} artifacts of this kind have no such addition
   * @throws {NotFound} no such artifact, or it carries none
   * @throws {AdditionTooLarge} more than {@link MAX_ADDITION_BYTES}
   */
  read(repositoryId: number, digest: string, name: string): Promise<Addition>
}

interface ArtifactRow {
  id: number
  kind: string
  media_type: string
  bytes: Buffer
}

interface Asked {
  row: ArtifactRow
  manifest: ImageManifest
}

const findArtifact = statement<ArtifactRow>(
  'addition-artifact',
  `SELECT m.id, m.kind, m.media_type, c.bytes FROM manifest m JOIN manifest_content c ON c.digest = m.digest
   WHERE m.repository_id = $1 AND m.digest = $2`,
)

export function additions(database: Database, storage: Storage): Additions {
  const store = fillerStore(database)
  const inTurn = limited(AT_ONCE)

  async function placeOf({ row }: Asked, blob: Descriptor | undefined): Promise<BlobPlace> {
    const [place] = blob === undefined ? [] : await store.findBlobs([{ id: row.id, digest: blob.digest }])
    if (place === undefined) throw new NotFound('the content of the addition is not here')
    return place
  }

  async function openBlob(asked: Asked, blob: Descriptor | undefined): Promise<StoredBytes> {
    const place = await placeOf(asked, blob)
    try {
      return await storage.read(place.storage_key, place.size)
    } catch (err) {
      if (err instanceof BytesMissing) throw new NotFound('the content of the addition is not here')
      throw err
    }
  }

  async function configOf(asked: Asked): Promise<Record<string, unknown>> {
    const place = await placeOf(asked, asked.manifest.config)
    if (place.size > MAX_CONFIG_BYTES) throw new AdditionTooLarge(`the config has more than ${MAX_CONFIG_BYTES} bytes`)
    const bytes = await readSmallBlob(storage, place)
    const document = bytes && objectOf(bytes)
    if (document === undefined) throw new NotFound('the config cannot be read')
    return document
  }

  /** A file of the folder a chart is. */
  async function chartFile(asked: Asked, name: string): Promise<Buffer> {
    const { layers, config } = asked.manifest
    const chart = layers.find(({ mediaType }) => mediaType === MEDIA_TYPE.helmChart)
    const layer = chart ?? layers.find(({ digest }) => digest !== config?.digest)
    const isWanted = (entry: string) => {
      const [, file, deeper] = entry.replace(/^(?:\.\/)+/, '').split('/', 3)
      return deeper === undefined && file?.toLowerCase() === name
    }
    const stored = await openBlob(asked, layer)
    const bytes = await findInArchive(stored, 'gzip', isWanted, MAX_ADDITION_BYTES)
    if (bytes === undefined) throw new NotFound(`the chart has no ${name}`)
    return bytes
  }

  /** A document of a model, which is a layer of its own. */
  async function document(asked: Asked, names: readonly string[]): Promise<Buffer> {
    const layer = findDocument(asked.manifest.layers, names)
    if (layer === undefined) throw new NotFound(`the model has no ${names[0]}`)
    const stored = await openBlob(asked, layer)
    if (layer.mediaType.endsWith('.raw')) return readWhole(stored, MAX_ADDITION_BYTES)
    const path = pathOf(layer)
    const isWanted = (entry: string) => entry.replace(/^(?:\.\/)+/, '') === path
    const bytes = await findInArchive(stored, packingOf(layer.mediaType), isWanted, MAX_ADDITION_BYTES)
    if (bytes === undefined) throw new NotFound(`the model has no ${names[0]}`)
    return bytes
  }

  async function readSbom(asked: Asked): Promise<Buffer> {
    const { layers } = asked.manifest
    if (layers.length !== 1) throw new NotFound('The sbom is not found')
    return readWhole(await openBlob(asked, layers[0]), MAX_ADDITION_BYTES)
  }

  async function readAs(asked: Asked, name: string): Promise<Addition> {
    const isModel = asked.row.kind === KIND.model
    switch (name) {
      case 'build_history':
        return jsonAddition((await configOf(asked)).history ?? null)
      case 'values.yaml':
        return { contentType: TEXT, bytes: await chartFile(asked, name) }
      case 'readme.md':
        return {
          contentType: MARKDOWN,
          bytes: isModel ? await document(asked, ['readme.md', 'readme']) : await chartFile(asked, name),
        }
      case 'dependencies':
        return jsonAddition((await configOf(asked)).dependencies ?? [])
      case 'license':
        return { contentType: TEXT, bytes: await document(asked, ['license', 'license.txt']) }
      case 'files':
        return jsonAddition(fileTreeOf(asked.manifest.layers))
      default:
        return { contentType: SBOM, bytes: await readSbom(asked) }
    }
  }

  return {
    async read(repositoryId, digest, name) {
      const row = await database.find(findArtifact, [repositoryId, digest])
      if (row === undefined) throw new NotFound(`artifact ${digest} not found`)
      const known = nameOf(row, name)
      const manifest = readManifest(row.bytes, row.media_type)
      if (manifest.kind !== 'image') throw new NotFound('the manifest cannot be read')
      return inTurn(() => readAs({ row, manifest }, known))
    },
  }
}

/** @throws {BadRequest} */
function nameOf({ kind, media_type: mediaType }: ArtifactRow, asked: string): string {
  const names = additionsOf(kind, mediaType)
  const name = asked.toLowerCase()
  // Some say it shorter of models.
  const known = names.find((one) => one === name || (one === 'readme.md' && name === 'readme'))
  if (known !== undefined) return known
  if (kind === KIND.unknown || !Object.values<string>(KIND).includes(kind)) {
    throw new BadRequest(`the processor for artifact ${kind} not found, cannot get the addition`)
  }
  throw new BadRequest(`addition ${asked.toUpperCase()} isn't supported for ${kind}`)
}

/** @throws {AdditionTooLarge} */
function jsonAddition(value: unknown): Addition {
  const text = jsonOf(value)
  if (text === undefined) throw new NotFound('the config cannot be read')
  const bytes = Buffer.from(text)
  if (bytes.length <= MAX_ADDITION_BYTES) return { contentType: JSON_TEXT, bytes }
  throw new AdditionTooLarge(`it has more than ${MAX_ADDITION_BYTES} bytes`)
}
