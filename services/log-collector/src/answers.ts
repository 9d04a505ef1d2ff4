import { Forbidden } from '@berth/errors'
import { type Answer, answer } from '@berth/messaging'
import { type ComponentHealth, healthCheck, linesSearch } from '@berth/types'
import type { Intake, Ledger } from './intake/index.ts'
import type { LogSearch } from './search/index.ts'

/** Everything this service answers over NATS. */
export function logCollectorAnswers(deps: { intake: Intake; ledger: Ledger; search: LogSearch }): Answer[] {
  const { intake, ledger, search } = deps
  return [
    answer(linesSearch, async (request, caller) => {
      if (!caller?.admin) throw new Forbidden('only an administrator may read the logs')
      const { lines, next } = await search.find(request)
      return { lines, next, dropped: ledger.dropped(Date.now()) }
    }),
    answer(healthCheck['log-collector'], async () => ({ components: [healthOf(intake)] })),
  ]
}

function healthOf({ failure }: Intake): ComponentHealth {
  if (failure === undefined) return { name: 'log-collector', status: 'healthy' }
  return { name: 'log-collector', status: 'unhealthy', error: 'log lines cannot be written' }
}
