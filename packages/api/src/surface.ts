type Node = Record<string, unknown>

/** What of an operation existing clients can stand on. */
export interface OperationSurface {
  /** `query:page`, `header:x-request-id`; path parameters are in the path. */
  parameters: string[]
  statuses: string[]
  /** Every property of the body as a dotted path; arrays are `[]`, maps `{}`. */
  request: string[]
  /** The same of the first 2xx answer. */
  response: string[]
}

const METHODS = ['get', 'head', 'post', 'put', 'patch', 'delete']
const MAX_DEPTH = 6

/** The surface of each operation of an OpenAPI 3 document, by `GET /projects/{}`: names of path parameters left out. */
export function surfaceOf(document: { paths: Record<string, Node> }): Map<string, OperationSurface> {
  const found = new Map<string, OperationSurface>()
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of METHODS) {
      const operation = item[method] as Node | undefined
      if (!operation) continue
      found.set(`${method.toUpperCase()} ${path.replaceAll(/\{[^}]+\}/g, '{}')}`, surface(document, item, operation))
    }
  }
  return found
}

function surface(document: Node, item: Node, operation: Node): OperationSurface {
  const parameters = [...list(item.parameters), ...list(operation.parameters)].map((node) => resolve(document, node))
  const responses = (operation.responses ?? {}) as Node
  const success = Object.keys(responses).find((status) => status.startsWith('2'))
  return {
    parameters: parameters
      .filter((parameter) => parameter.in === 'query' || parameter.in === 'header')
      .map((parameter) => `${parameter.in}:${String(parameter.name).toLowerCase()}`),
    statuses: Object.keys(responses),
    request: [...properties(document, bodySchema(document, operation.requestBody))],
    response: success ? [...properties(document, bodySchema(document, responses[success]))] : [],
  }
}

function bodySchema(document: Node, node: unknown): unknown {
  const content = resolve(document, node).content as Record<string, Node> | undefined
  return content && Object.values(content)[0]?.schema
}

function properties(document: Node, node: unknown, at = '', depth = 0, out = new Set<string>()): Set<string> {
  if (depth > MAX_DEPTH || node === undefined) return out
  const schema = resolve(document, node)
  if (schema.items) properties(document, schema.items, `${at}[]`, depth + 1, out)
  if (typeof schema.additionalProperties === 'object') {
    properties(document, schema.additionalProperties, `${at}{}`, depth + 1, out)
  }
  for (const [name, child] of Object.entries((schema.properties ?? {}) as Node)) {
    const path = at ? `${at}.${name}` : name
    out.add(path)
    properties(document, child, path, depth + 1, out)
  }
  return out
}

function resolve(document: Node, node: unknown): Node {
  let at = (node ?? {}) as Node
  while (typeof at.$ref === 'string') {
    const steps = at.$ref.slice(2).split('/')
    at = steps.reduce<Node>((inner, step) => inner[step] as Node, document)
  }
  return at
}

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
