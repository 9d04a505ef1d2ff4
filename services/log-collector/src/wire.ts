import { readFile } from 'node:fs/promises'
import { createVerifier, SUITE_AUDIENCE } from '@berth/access'
import { createEgress } from '@berth/egress'
import { Unavailable } from '@berth/errors'
import { answerAsks, type Bus, connectBus, followBatches, sayTo } from '@berth/messaging'
import { type Logger, openAdmin, type Running } from '@berth/runtime'
import { keyList } from '@berth/types'
import manifest from '../package.json' with { type: 'json' }
import { logCollectorAnswers } from './answers.ts'
import type { Config } from './config.ts'
import { dialBy, startForwarding } from './forward/index.ts'
import { createIntake, createLedger, type Intake, intakeMetrics, readCheckpoint, watchDrops } from './intake/index.ts'
import { openJournal } from './journal/index.ts'
import { createLogSearch } from './search/index.ts'

const TIDY_MS = 10_000

export async function wire(config: Config, { log, life, metrics }: Running): Promise<void> {
  const checkpoint = await readCheckpoint(config.dir, log)
  const ledger = createLedger(checkpoint?.ledger)
  const journal = await openJournal({
    root: config.dir,
    limits: config.limits,
    since: checkpoint?.positions,
    onLine: ({ service, instance, seq }) => {
      // A gap it shows may still be filled by what was never acknowledged.
      if (instance && seq) ledger.takeLine({ service, instance, seq }, Number.MAX_SAFE_INTEGER, Date.now())
    },
  })
  const intake = createIntake({ journal, ledger, metrics: intakeMetrics(metrics, ledger), log })
  life.onStop('files', () => intake.close())

  const bus = await connectBus({ user: 'log-collector', nats: config.nats, log })
  life.onStop('nats', () => bus.close())
  log.addSink(sayTo(bus))

  await answerAsks(bus, {
    service: 'log-collector',
    version: manifest.version,
    answers: logCollectorAnswers({ intake, ledger, search: createLogSearch(journal) }),
    log,
    verifier: createVerifier({ keys: async () => (await bus.ask(keyList, {})).keys, audience: SUITE_AUDIENCE }),
  })
  const following = followBatches(bus, 'log-collector', { log, handle: (batch) => intake.take(batch) })
  life.onStop('stream', () => following.stop())
  const trusted = config.syslogCaFile === undefined ? undefined : await readFile(config.syslogCaFile, 'utf8')
  const dial = dialBy(createEgress({ settings: config.egress, log }), trusted)
  const forwarding = startForwarding({ bus, dial, log, metrics })
  life.onStop('forwarding', () => forwarding.stop())
  life.onStop('upkeep', keepTidy(intake, log))
  life.onStop('drop watch', watchDrops(ledger, log))
  const checks = { files: () => mustWrite(intake), nats: () => mustBeConnected(bus) }
  await openAdmin({ address: config.adminListen, life, metrics, checks })
}

function keepTidy(intake: Intake, log: Logger): () => Promise<void> {
  let running: Promise<void> | undefined
  const timer = setInterval(() => {
    running ??= intake
      .tidy()
      .catch((err) => log.warn('cannot compress or remove old log files', { err }))
      .finally(() => {
        running = undefined
      })
  }, TIDY_MS)
  return async () => {
    clearInterval(timer)
    await running
  }
}

function mustWrite(intake: Intake): void {
  if (intake.failure !== undefined) throw new Unavailable(`log lines cannot be written: ${intake.failure}`)
}

function mustBeConnected(bus: Bus): void {
  if (!bus.connected) throw new Unavailable('NATS cannot be reached')
}
