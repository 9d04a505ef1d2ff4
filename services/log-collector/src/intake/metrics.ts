import type { Delivered } from '@berth/messaging'
import { Counter, Gauge, type Registry } from '@berth/runtime'
import { folderOf } from '../journal/index.ts'
import type { Ledger } from './ledger.ts'
import type { Line } from './line.ts'

export interface IntakeMetrics {
  duplicates: Pick<Counter, 'inc'>
  wrote(service: string, lines: readonly Line[]): void
  /** The last message worked on. */
  caughtUpTo(message: Delivered, nowMs: number): void
}

/** `of` is the service a line is from, as its directory is called. */
export function intakeMetrics(registry: Registry, ledger: Ledger): IntakeMetrics {
  const labelNames = ['of'] as const
  const registers = [registry]
  const lines = new Counter({ name: 'berth_log_lines_total', help: 'Log lines written', labelNames, registers })
  const bytes = new Counter({ name: 'berth_log_bytes_total', help: 'Bytes of log written', labelNames, registers })
  const duplicates = new Counter({
    name: 'berth_log_duplicates_total',
    help: 'Log lines that came again after they were written',
    registers,
  })
  const pending = new Gauge({
    name: 'berth_log_pending_lines',
    help: 'Lines the stream has and no file yet',
    registers,
  })
  const behind = new Gauge({
    name: 'berth_log_behind_seconds',
    help: 'Age of the newest line when it was written',
    registers,
  })
  new Gauge({
    name: 'berth_log_dropped_lines',
    help: 'Lines that never reached the stream, since counting began',
    labelNames,
    registers,
    collect() {
      this.reset()
      for (const [service, count] of Object.entries(ledger.dropped(Date.now())))
        this.inc({ of: folderOf(service) }, count)
    },
  })
  return {
    duplicates,
    wrote(service, some) {
      const of = folderOf(service)
      lines.inc({ of }, some.length)
      bytes.inc(
        { of },
        some.reduce((sum, line) => sum + line.bytes.length, 0),
      )
    },
    caughtUpTo(message, nowMs) {
      pending.set(message.pending)
      behind.set(Math.max(0, nowMs - message.storedAtMs) / 1000)
    },
  }
}
