import type { ServiceName } from '@berth/types'
import type { Registry } from 'prom-client'
import { createLifecycle, type Lifecycle, untilSignal } from './lifecycle.ts'
import { createLogger, type ServiceLogger } from './log.ts'
import { createMetrics } from './metrics.ts'
import { type ServiceSettings, SettingInvalid } from './settings.ts'
import { startTracing } from './tracing.ts'

export interface Running {
  log: ServiceLogger
  life: Lifecycle
  metrics: Registry
}

/**
 * Boots a service and stops it in reverse: settings, log, whatever `open` opens, then waits for a signal. A wrong
 * setting is one line on stderr and exit code 2; a failure of `open` is logged, and exit code 2 if it is a setting, else 1.
 */
export async function runService<C extends ServiceSettings>(
  service: ServiceName,
  load: () => C,
  open: (config: C, running: Running) => Promise<void>,
): Promise<void> {
  let config: C
  try {
    config = load()
  } catch (err) {
    process.stderr.write(`berth: ${err instanceof Error ? err.message : String(err)}\n`)
    process.exitCode = err instanceof SettingInvalid ? 2 : 1
    return
  }
  const signal = untilSignal({ parentPid: config.parentPid })
  const log = createLogger({ service, level: config.logLevel, replica: config.replica })
  const life = createLifecycle(log, { graceMs: config.graceMs })
  process.on('unhandledRejection', (err) => log.error('a promise was rejected and nobody listened', { err }))
  try {
    await startTracing(service, process.env, life)
    const opened = open(config, { log, life, metrics: createMetrics(service) })
    await Promise.race([opened, signal])
    opened.then(
      () => log.info('ready', { listen: `${config.listen.host}:${config.listen.port}` }),
      () => undefined,
    )
    log.info('stopping', { because: await signal })
  } catch (err) {
    log.error('could not run', { err })
    process.exitCode = err instanceof SettingInvalid ? 2 : 1
  } finally {
    await life.stop()
    // Whatever a library keeps open must not keep us.
    setTimeout(() => process.exit(), 500).unref()
  }
}
