import { type Bus, putKnown } from '@berth/messaging'
import type { Logger } from '@berth/runtime'
import type { SettingKey } from '@berth/types'
import type { Settings } from './settings.ts'

const EVERY_MS = 5_000

/** Which of our settings other services know, under which key of bucket `settings`. */
const SHARED: Record<SettingKey, (settings: Settings) => unknown> = {
  token_expiration_minutes: (settings) => settings.get('token_expiration'),
  audit_log_forward_endpoint: (settings) => settings.get('audit_log_forward_endpoint'),
}

/**
 * Tells the other services what they must know of our settings: at once, whenever it changes, and again when NATS has
 * been away, whose files may be new. Reads the stored settings again each time, since another replica may change them.
 */
export function startSettings(bus: Bus, settings: Settings, log: Logger): { stop(): void } {
  const told = new Map<string, string>()
  let running = false

  async function round(): Promise<void> {
    if (!bus.connected) return told.clear()
    await settings.refresh()
    for (const [key, read] of Object.entries(SHARED)) {
      const value = read(settings)
      if (told.get(key) === JSON.stringify(value)) continue
      await putKnown(bus, 'settings', key, value)
      told.set(key, JSON.stringify(value))
    }
  }

  const attempt = async () => {
    if (running) return
    running = true
    try {
      await round()
    } catch (err) {
      log.warn('settings could not be told, will try again', { err })
    } finally {
      running = false
    }
  }
  void attempt()
  const timer = setInterval(attempt, EVERY_MS)
  timer.unref()
  return { stop: () => clearInterval(timer) }
}
