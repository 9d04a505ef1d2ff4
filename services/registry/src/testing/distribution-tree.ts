import { mkdir, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { sha256, type TestImage, type TestIndex } from '@berth/testkit'

/** Writes what `distribution` keeps, below `root`, as it would. */
export function distributionTree(root: string) {
  const top = join(root, 'docker', 'registry', 'v2')
  const put = async (path: string, content: Uint8Array | string, at?: Date) => {
    const file = join(top, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, content)
    if (at) await utimes(file, at, at)
  }
  const split = (digest: string) => digest.split(':', 2) as [string, string]
  const dataPath = (digest: string) => {
    const [algorithm, hex] = split(digest)
    return `blobs/${algorithm}/${hex.slice(0, 2)}/${hex}/data`
  }
  const tree = {
    top,
    dataPath,
    put,
    blob: async (name: string, bytes: Uint8Array, digest = sha256(bytes)) => {
      const [algorithm, hex] = split(digest)
      await put(dataPath(digest), bytes)
      await put(`repositories/${name}/_layers/${algorithm}/${hex}/link`, digest)
    },
    manifest: async (name: string, bytes: Uint8Array, at?: Date, digest = sha256(bytes)) => {
      const [algorithm, hex] = split(digest)
      await put(dataPath(digest), bytes)
      await put(`repositories/${name}/_manifests/revisions/${algorithm}/${hex}/link`, digest, at)
    },
    tag: async (name: string, tag: string, digest: string, at?: Date) => {
      const [algorithm, hex] = split(digest)
      const path = `repositories/${name}/_manifests/tags/${tag}`
      await put(`${path}/current/link`, digest, at)
      await put(`${path}/index/${algorithm}/${hex}/link`, digest, at)
    },
    image: async (name: string, image: TestImage, tags: readonly string[] = [], at?: Date) => {
      for (const blob of [image.config, ...image.layers]) await tree.blob(name, blob)
      await tree.manifest(name, image.manifest, at)
      for (const tag of tags) await tree.tag(name, tag, image.digest, at)
    },
    index: async (name: string, index: TestIndex, tags: readonly string[] = []) => {
      await tree.manifest(name, index.manifest)
      for (const tag of tags) await tree.tag(name, tag, index.digest)
    },
  }
  return tree
}
