import { NotAuthorized } from '../auth/index.ts'
import { answerJson, type Door, linkToNext, PaginationNumberInvalid, pageOf, type RouteOf } from '../http/index.ts'
import type { CatalogStore } from './catalog-store.ts'

const DEFAULT_PAGE = 100

/** `GET /v2/_catalog`: a page of everything, for who may see everything. @see distribution, "Listing repositories" */
export function catalogDoors(catalog: CatalogStore): Record<'GET', Door<RouteOf<'catalog'>>> {
  return {
    GET: {
      async handle(visit) {
        if (!visit.caller.seesCatalog) throw new NotAuthorized('denied', 'catalog')
        const { n = DEFAULT_PAGE, last, isClamped } = pageOf(visit.query)
        if (isClamped) throw new PaginationNumberInvalid()
        const names = n === 0 ? [] : await catalog.list(last, n + 1)
        const repositories = names.slice(0, n)
        const end = repositories.at(-1)
        const hasMore = names.length > n && end !== undefined
        const link = linkToNext(`${visit.base}/v2/_catalog`, { n, last: end ?? '' })
        answerJson(visit, { repositories }, hasMore ? { link } : {})
      },
    },
  }
}
