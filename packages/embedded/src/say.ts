import { randomBytes } from 'node:crypto'
import { type LogSink, redact, redactText } from '@berth/runtime'
import { LOG_LEVELS, type LogLevel } from '@berth/types'

export type Say = (level: LogLevel, message: string, fields?: Record<string, unknown>) => void

/** Log lines of what cannot write them itself: the supervisor, Postgres and nats-server. */
export interface Voices {
  /** The voice of `service`; its lines are numbered like those of a service. */
  of(service: string): Say
  /** Sends every line there too, those said before it was known first. */
  attach(sink: LogSink): void
}

const KEPT_LINES = 500

export function createVoices(options: { level: LogLevel; print: (service: string, json: string) => void }): Voices {
  const early: Parameters<LogSink>[0][] = []
  const voices = new Map<string, Say>()
  let sink: LogSink | undefined

  function createVoice(service: string): Say {
    const instance = randomBytes(6).toString('hex')
    let seq = 0
    return (level, message, fields = {}) => {
      if (LOG_LEVELS.indexOf(level) > LOG_LEVELS.indexOf(options.level)) return
      seq++
      const line = { timestamp: new Date().toISOString(), level, service, instance, seq, message: redactText(message) }
      const json = JSON.stringify({ ...line, ...(redact(fields) as object) })
      options.print(service, json)
      if (sink) sink({ service, level, json })
      else if (early.length < KEPT_LINES) early.push({ service, level, json })
    }
  }

  return {
    of(service) {
      const voice = voices.get(service) ?? createVoice(service)
      voices.set(service, voice)
      return voice
    },
    attach(to) {
      sink = to
      for (const line of early.splice(0)) to(line)
    },
  }
}
