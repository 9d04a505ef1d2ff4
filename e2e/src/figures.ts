import { appendFile } from 'node:fs/promises'
import type { Peaks } from './proc.ts'

/**
 * Shows a measured number beside the tests and, when `BERTH_E2E_FIGURES` names a file, adds it there as a JSON line.
 * Numbers of time are shown and never judged: machines are shared.
 */
export async function figure(name: string, values: Record<string, number | string>): Promise<void> {
  const text = Object.entries(values).map(([key, value]) => `${key} ${value}`)
  process.stdout.write(`  figure: ${name}: ${text.join(', ')}\n`)
  const file = process.env.BERTH_E2E_FIGURES
  if (file) await appendFile(file, `${JSON.stringify({ name, ...values })}\n`)
}

export const mebibytes = (bytes: number): number => Math.round(bytes / 1024 / 1024)

/** Peaks as whole MiB by name. */
export function peakTable(peaks: Peaks): Record<string, number> {
  return Object.fromEntries([...peaks.peakBytes].toSorted().map(([name, bytes]) => [name, mebibytes(bytes)]))
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export const median = (values: readonly number[]): number => percentile(values, 0.5)
