import { readFileSync } from 'node:fs'
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

/** The operations of the Harbor API v2.0 we have, served below `/api/v2.0`. */
export const harborDocument: OpenApiDocument = load('harbor')

/** What is ours beside it, served below `/api/berth/v1`. */
export const berthDocument: OpenApiDocument = load('berth')

function load(name: string): OpenApiDocument {
  const text = readFileSync(new URL(`../openapi/${name}.yaml`, import.meta.url), 'utf8')
  return parse(text, { maxAliasCount: 1_000 }) as OpenApiDocument
}
