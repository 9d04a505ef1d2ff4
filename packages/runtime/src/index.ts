export { openAdmin, type ReadinessCheck } from './admin.ts'
export { type Running, runService } from './boot.ts'
export { contextOf, contextOfHeaders, currentContext, type WorkContext, withContext } from './context.ts'
export { KNOWN_SETTINGS, type KnownSetting, S3_SETTINGS } from './known-settings.ts'
export { createLifecycle, type Lifecycle, untilSignal } from './lifecycle.ts'
export { type Address, INNER_HEADER_BYTES, listen, MAX_HEADER_BYTES, parseAddress } from './listen.ts'
export { createLogger, type Logger, type LogSink, type ServiceLogger, silentLogger } from './log.ts'
export { Counter, createMetrics, Gauge, Histogram, type HttpMetrics, httpMetrics, Registry } from './metrics.ts'
export { redact, redactText, serialiseError } from './redact.ts'
export { expressErrors, renderError } from './render-error.ts'
export { observed, type RequestObserver } from './request.ts'
export { type S3Endpoint, type S3Settings, s3Settings } from './s3-settings.ts'
export { weaknessOfKey } from './secret-key.ts'
export {
  booleanSetting,
  databaseUrl,
  type NatsSettings,
  natsSettings,
  parseSettings,
  type ServiceSettings,
  SettingInvalid,
  secretKeySetting,
  serviceSettings,
} from './settings.ts'
export { beginSpan, type OpenSpan, withSpan } from './span.ts'
export { giveBack } from './spent.ts'
