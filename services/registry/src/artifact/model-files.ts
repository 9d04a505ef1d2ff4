import type { Descriptor } from '@berth/oci'

const PATH_ANNOTATIONS = ['org.cncf.model.filepath', 'org.cnai.model.filepath']
const DOCUMENT = /^application\/vnd\.(?:cncf|cnai)\.model\.doc\.v1\.(?:tar|tar\+gzip|tar\+zstd|raw)$/
const MAX_DEPTH = 32
const MAX_NODES = 20_000

interface FileNode {
  name: string
  type: 'file' | 'directory'
  /** Bytes of the layer that holds it. */
  size?: number
  children?: FileNode[]
}

interface Folder {
  folders: Map<string, Folder>
  files: Map<string, number>
}

/** Where a layer of a model belongs in its directory. */
export function pathOf({ annotations }: Descriptor): string | undefined {
  return PATH_ANNOTATIONS.map((key) => annotations?.[key]).find((path) => path !== undefined && path !== '')
}

/** The layer that holds a document of one of these names. */
export function findDocument(layers: readonly Descriptor[], names: readonly string[]): Descriptor | undefined {
  const wanted = new Set(names)
  return layers.find((layer) => DOCUMENT.test(layer.mediaType) && wanted.has(pathOf(layer)?.toLowerCase() ?? ''))
}

/** The files of a model as a tree, folders first, each sorted by name. What is too deep or too much is left out. */
export function fileTreeOf(layers: readonly Descriptor[]): FileNode[] {
  const root: Folder = { folders: new Map(), files: new Map() }
  let nodes = 0
  for (const layer of layers) {
    const path = pathOf(layer) ?? ''
    const parts = path.split('/', 4 * MAX_DEPTH).filter((part) => part !== '' && part !== '.')
    nodes += parts.length
    if (parts.length > MAX_DEPTH || nodes > MAX_NODES) continue
    const isFolder = path.endsWith('/')
    const folder = descend(root, isFolder ? parts : parts.slice(0, -1))
    const name = parts.at(-1)
    if (!isFolder && name !== undefined) folder.files.set(name, layer.sizeBytes)
  }
  return nodesOf(root)
}

function descend(root: Folder, parts: readonly string[]): Folder {
  let at = root
  for (const part of parts) {
    const next = at.folders.get(part) ?? { folders: new Map(), files: new Map() }
    at.folders.set(part, next)
    at = next
  }
  return at
}

function nodesOf({ folders, files }: Folder): FileNode[] {
  const byName = (a: FileNode, b: FileNode) => (a.name < b.name ? -1 : 1)
  return [
    ...[...folders]
      .map(([name, inside]): FileNode => ({ name, type: 'directory', children: nodesOf(inside) }))
      .toSorted(byName),
    ...[...files].map(([name, size]): FileNode => ({ name, type: 'file', ...(size > 0 && { size }) })).toSorted(byName),
  ]
}
