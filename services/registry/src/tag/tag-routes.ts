import { once } from 'node:events'
import type { RepositoryName } from '@berth/oci'
import { answerJson, type Door, grantOf, linkToNext, pageOf, type RouteOf, type Visit } from '../http/index.ts'
import { admit, NameUnknown, type WithProject } from '../project/index.ts'
import type { TagStore } from './tag-store.ts'

const STREAMED = 5_000

/** `GET …/tags/list`: a page with `n`, everything without, in byte order. */
export function tagDoors(tags: TagStore, withProject: WithProject): Record<'GET', Door<RouteOf<'tags'>>> {
  async function namesAfter(visit: Visit, name: RepositoryName, last: string, limit: number): Promise<string[]> {
    const grant = grantOf(visit.caller, name, 'pull')
    const row = await withProject(name, async () => admit(await tags.listNames(name, last, limit), grant))
    if (row.repository_id === null || !row.listed) throw new NameUnknown(name)
    return row.names ?? []
  }

  /** However many there are, a few thousand are in memory. */
  async function sendAll(visit: Visit, name: RepositoryName, last: string): Promise<void> {
    const { res } = visit
    let names = await namesAfter(visit, name, last, STREAMED)
    if (names.length < STREAMED) return answerJson(visit, { name, tags: names })
    res.writeHead(200, { 'content-type': 'application/json; charset=utf-8' })
    res.write(`{"name":${JSON.stringify(name)},"tags":[`)
    for (let isFirst = true; names.length > 0; isFirst = false) {
      const isFlushed = res.write(`${isFirst ? '' : ','}${names.map((tag) => JSON.stringify(tag)).join(',')}`)
      if (!isFlushed) await Promise.race([once(res, 'drain'), once(res, 'close')])
      if (res.destroyed) return
      names = await namesAfter(visit, name, names.at(-1) ?? '', STREAMED)
    }
    res.end(']}')
  }

  return {
    GET: {
      action: 'pull',
      async handle(visit, { name }) {
        const { n, last } = pageOf(visit.query)
        if (n === undefined) return sendAll(visit, name, last)
        const names = await namesAfter(visit, name, last, n + 1)
        const page = names.slice(0, n)
        const end = page.at(-1)
        const hasMore = names.length > n && end !== undefined
        const link = linkToNext(`${visit.base}/v2/${name}/tags/list`, { n, last: end ?? '' })
        answerJson(visit, { name, tags: page }, hasMore ? { link } : {})
      },
    },
  }
}
