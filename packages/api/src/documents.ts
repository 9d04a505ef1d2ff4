import { readdirSync, readFileSync } from 'node:fs'
import { parse } from 'yaml'

type Node = Record<string, unknown>

/** An OpenAPI 3.1 document; what reads it deeper knows its grammar. */
export interface OpenApiDocument {
  openapi: string
  info: { title: string; version: string; summary: string; description?: string }
  servers: { url: string }[]
  paths: Record<string, Record<string, Node>>
  components: Record<string, Record<string, Node>>
  [more: string]: unknown
}

/** What a file beside `document.yaml` adds to it. */
type Part = Partial<Pick<OpenApiDocument, 'paths' | 'components'>>

const FOLDER = new URL('../openapi/', import.meta.url)

/** The operations of the Harbor API v2.0 we have, served below `/api/v2.0`. */
export const harborDocument: OpenApiDocument = load('harbor')

/** What is ours beside it, served below `/api/berth/v1`. */
export const berthDocument: OpenApiDocument = load('berth')

/** `document.yaml` of the folder, and the operations and shapes of the files beside it, one file a tag. */
function load(folder: string): OpenApiDocument {
  const read = (file: string): unknown => parse(readFileSync(new URL(`${folder}/${file}`, FOLDER), 'utf8'))
  const document = { paths: {}, ...(read('document.yaml') as Omit<OpenApiDocument, 'paths'>) } as OpenApiDocument
  const files = readdirSync(new URL(`${folder}/`, FOLDER)).filter((file) => file !== 'document.yaml')
  for (const file of files.toSorted()) {
    const part = read(file) as Part
    mergeInto(document.paths, part.paths ?? {}, file)
    mergeInto(document.components, part.components ?? {}, file)
  }
  return document
}

/** Two levels: methods by path, or components by kind and name. */
function mergeInto(all: Record<string, Node>, more: Record<string, Node>, file: string): void {
  for (const [name, members] of Object.entries(more)) {
    const known = all[name] ?? {}
    for (const [member, node] of Object.entries(members)) {
      if (Object.hasOwn(known, member)) throw new Error(`${file} has ${name} ${member}, which stands elsewhere already`)
      known[member] = node
    }
    all[name] = known
  }
}
