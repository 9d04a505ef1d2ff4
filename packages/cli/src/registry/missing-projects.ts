import { z } from 'zod'
import { type Api, Refused } from '../api.ts'

/**
 * Makes projects, private and owned by who we are. One that core knows already is put in force once more, for the
 * registry has not heard of it.
 */
export async function makeProjects(api: Api, names: readonly string[], signal: AbortSignal): Promise<string[]> {
  const made: string[] = []
  for (const name of names) {
    if (await makeProject(api, name, signal)) made.push(name)
  }
  return made
}

async function makeProject(api: Api, name: string, signal: AbortSignal): Promise<boolean> {
  const nothing = z.unknown()
  try {
    const body = { project_name: name, metadata: { public: 'false' } }
    await api.call('POST', '/api/v2.0/projects', { shape: nothing, body, signal })
    return true
  } catch (err) {
    if (!(err instanceof Refused) || err.status !== 409) throw err
    const headers = { 'x-is-resource-name': 'true' }
    await api.call('PUT', `/api/v2.0/projects/${encodeURIComponent(name)}`, {
      shape: nothing,
      body: {},
      headers,
      signal,
    })
    return false
  }
}
