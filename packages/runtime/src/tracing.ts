import type { Lifecycle } from './lifecycle.ts'
import { keepSpans } from './span.ts'

/** Sends spans to `OTEL_EXPORTER_OTLP_ENDPOINT`; without it nothing of OpenTelemetry is even loaded. */
export async function startTracing(service: string, env: NodeJS.ProcessEnv, life: Lifecycle): Promise<void> {
  if (!env.OTEL_EXPORTER_OTLP_ENDPOINT) return
  const [{ NodeSDK }, { OTLPTraceExporter }] = await Promise.all([
    import('@opentelemetry/sdk-node'),
    import('@opentelemetry/exporter-trace-otlp-http'),
  ])
  const sdk = new NodeSDK({ serviceName: `berth-${service}`, traceExporter: new OTLPTraceExporter() })
  sdk.start()
  keepSpans()
  life.onStop('tracing', () => sdk.shutdown())
}
