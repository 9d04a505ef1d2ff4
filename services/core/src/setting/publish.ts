import type { Queries } from '@berth/db'
import { Unavailable } from '@berth/errors'
import { type Bus, putKnown } from '@berth/messaging'
import type { Logger } from '@berth/runtime'
import { modePut, type SettingKey } from '@berth/types'
import { settingStore } from './setting-store.ts'
import type { KnownSettings, Settings } from './settings.ts'
import type { SettingName } from './table.ts'

const EVERY_MS = 1_000
/** A bucket or a registry that was restored from a copy hears it again without being asked. */
const AGAIN_MS = 60_000

/** Which of our settings other services know, by their key of bucket `settings`. */
const SHARED: Record<SettingKey, SettingName> = {
  token_expiration_minutes: 'token_expiration',
  read_only: 'read_only',
  audit_log_forward_endpoint: 'audit_log_forward_endpoint',
}

/** The settings {@link modeOf} comes from. */
const OF_MODE: readonly SettingName[] = [
  'read_only',
  'pull_count_update_disable',
  'pull_time_update_disable',
  'pull_audit_log_disable',
  'quota_per_project_enable',
]

/** What holds for the whole registry. */
function modeOf(settings: Settings) {
  const countPulls = !settings.get('pull_count_update_disable')
  const timePulls = !settings.get('pull_time_update_disable')
  const auditPulls = !settings.get('pull_audit_log_disable')
  const recordPulls = countPulls || timePulls || auditPulls
  const enforceQuotas = settings.get('quota_per_project_enable')
  return { readOnly: settings.get('read_only'), recordPulls, countPulls, timePulls, enforceQuotas }
}

interface Telling {
  what: string
  /** The settings it comes from. */
  of: readonly SettingName[]
  /** The value as JSON. */
  text: string
  tell(): Promise<void>
}

export interface SettingsTeller {
  /**
   * Tells what comes of these settings, whatever was told before: another replica may have told something else since.
   * Resolves when those concerned have it.
   *
   * @throws {Unavailable} "saved, not yet in force": they will hear of it
   */
  inForce(changed: readonly SettingName[]): Promise<void>
  /** Looks every second for what this or another replica has changed, until stopped. */
  start(): { stop(): void }
}

/** Tells the other services what they must know of our settings: bucket `settings`, and the registry its mode. */
export function createSettingsTeller(deps: {
  bus: Bus
  database: Queries
  settings: KnownSettings
  log: Logger
}): SettingsTeller {
  const { bus, database, settings, log } = deps
  const told = new Map<string, string>()
  let toldAt = 0
  let last: Promise<void> = Promise.resolve()
  let failing = false

  function tellings(): Telling[] {
    const keys = Object.entries(SHARED).map(([key, name]): Telling => {
      const value = settings.get(name)
      return { what: key, of: [name], text: JSON.stringify(value), tell: () => putKnown(bus, 'settings', key, value) }
    })
    return [...keys, { what: 'the registry', of: OF_MODE, text: JSON.stringify(modeOf(settings)), tell: tellMode }]
  }

  async function tellMode(): Promise<void> {
    for (let tries = 0; tries < 2; tries++) {
      const asked = settings.revision
      const { revision } = await bus.ask(modePut, { ...modeOf(settings), revision: asked })
      if (revision <= asked) return
      // Another replica was quicker, or our table was restored from a copy and counts from before.
      await settings.refresh()
      if (settings.revision < revision) await settingStore.raiseAbove(database, revision)
      await settings.refresh()
    }
  }

  async function tellAll(changed: readonly SettingName[]): Promise<void> {
    const pending = tellings().filter(
      ({ what, of, text }) => told.get(what) !== text || of.some((name) => changed.includes(name)),
    )
    if (pending.length === 0) return
    if (!bus.connected) throw new Unavailable('NATS cannot be reached')
    const results = await Promise.allSettled(
      pending.map(async ({ what, text, tell }) => {
        await tell()
        told.set(what, text)
      }),
    )
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }

  /** One after another: what is told later is newer. */
  function inTurn(work: () => Promise<void>): Promise<void> {
    const turn = last.then(work)
    last = turn.catch(() => undefined)
    return turn
  }

  async function round(): Promise<void> {
    await settings.refresh()
    if (!bus.connected) toldAt = 0
    if (bus.connected && Date.now() - toldAt > AGAIN_MS) {
      told.clear()
      toldAt = Date.now()
    }
    await tellAll([])
  }

  async function attempt(): Promise<void> {
    try {
      await inTurn(round)
      failing = false
    } catch (err) {
      if (!failing) log.warn('settings could not be told, will try again', { err })
      failing = true
    }
  }

  return {
    async inForce(changed) {
      try {
        await inTurn(() => tellAll(changed))
      } catch (err) {
        throw new Unavailable('saved, not yet in force: not every service can be reached', { cause: err })
      }
    },
    start() {
      let running = false
      const tick = async () => {
        if (running) return
        running = true
        await attempt()
        running = false
      }
      void tick()
      const timer = setInterval(tick, EVERY_MS)
      timer.unref()
      return { stop: () => clearInterval(timer) }
    },
  }
}
