import { type Answer, type Ask, ask, basic } from './http.ts'
import type { Suite } from './suite.ts'

/** Harbor's role ids. */
export const ROLE = { projectAdmin: 1, developer: 2, guest: 3, maintainer: 4, limitedGuest: 5 } as const

export interface Person {
  name: string
  password: string
}

/** Calls of the suite's HTTP API by one person, or by nobody. Paths begin with `/api`. */
export class Api {
  readonly base: string
  readonly authorization: string | undefined

  constructor(base: string, person?: Person) {
    this.base = base
    this.authorization = person && basic(person.name, person.password)
  }

  static admin(suite: Suite): Api {
    return new Api(suite.url, { name: 'admin', password: suite.adminPassword })
  }

  call(method: string, path: string, body?: unknown, options: Ask = {}): Promise<Answer> {
    const headers: Record<string, string> = { ...options.headers }
    if (this.authorization !== undefined) headers.authorization = this.authorization
    if (body !== undefined) headers['content-type'] = 'application/json'
    const text = body === undefined ? undefined : JSON.stringify(body)
    return ask(new URL(path, this.base), { ...options, method, headers, body: text })
  }

  get = (path: string, options?: Ask): Promise<Answer> => this.call('GET', path, undefined, options)

  /** @throws {Error} when the answer is not `status` */
  async must(status: number, method: string, path: string, body?: unknown): Promise<Answer> {
    const answer = await this.call(method, path, body)
    if (answer.status === status) return answer
    throw new Error(`${method} ${path}: ${answer.status} instead of ${status}: ${answer.text}`)
  }

  async createUser(name: string): Promise<Person> {
    const password = `Berth-${name}-1`
    const realname = `${name} of the tests`
    await this.must(201, 'POST', '/api/v2.0/users', {
      username: name,
      password,
      realname,
      email: `${name}@example.com`,
      comment: '',
    })
    return { name, password }
  }

  async createProject(name: string, isPublic = false): Promise<void> {
    const metadata = { public: String(isPublic) }
    await this.must(201, 'POST', '/api/v2.0/projects', { project_name: name, metadata })
  }

  /** Returns the member's path, for a later DELETE. */
  async addMember(project: string, person: Person, roleId: number): Promise<string> {
    const body = { role_id: roleId, member_user: { username: person.name } }
    const answer = await this.must(201, 'POST', `/api/v2.0/projects/${project}/members`, body)
    return new URL(answer.headers.location ?? '', this.base).pathname
  }

  /** Log lines of one request, waited for until every service of `services` has one. */
  async linesOf(requestId: string, services: readonly string[], timeoutMs = 20_000): Promise<LogLine[]> {
    const end = Date.now() + timeoutMs
    for (;;) {
      const answer = await this.must(200, 'GET', `/api/berth/v1/logs?request_id=${requestId}`)
      const { lines } = answer.json<{ lines: LogLine[] }>()
      const found = new Set(lines.map((line) => line.service))
      if (services.every((service) => found.has(service))) return lines
      if (Date.now() > end) {
        throw new Error(`lines of ${requestId} only from ${[...found].join(', ') || 'nobody'}: ${answer.text}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
  }
}

export interface LogLine {
  timestamp: string
  level: string
  service: string
  message: string
  requestId?: string
}

/** The errors of a body both APIs share. */
export function errorsOf(answer: Answer): { code: string; message: string }[] {
  const body = answer.json<{ errors?: { code: string; message: string }[] }>()
  if (!Array.isArray(body.errors) || body.errors.length === 0) throw new Error(`no errors in ${answer.text}`)
  return body.errors
}
