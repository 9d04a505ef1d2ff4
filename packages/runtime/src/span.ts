import { context, propagation, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { contextOf, currentContext, withContext } from './context.ts'

const carrierOf = (traceparent: string | undefined) => (traceparent === undefined ? {} : { traceparent })

/** Does the work inside a span that hangs below whatever trace we are in; costs next to nothing when tracing is off. */
export async function withSpan<T>(name: string, kind: keyof typeof SpanKind, work: () => Promise<T>): Promise<T> {
  const here = currentContext()
  const parent = propagation.extract(context.active(), carrierOf(here?.traceparent))
  const span = trace.getTracer('berth').startSpan(name, { kind: SpanKind[kind] }, parent)
  if (!span.isRecording()) return work()
  const carrier: { traceparent?: string } = {}
  propagation.inject(trace.setSpan(parent, span), carrier)
  try {
    return await withContext(contextOf({ requestId: here?.requestId, traceparent: carrier.traceparent }), work)
  } catch (err) {
    fail(span, err)
    throw err
  } finally {
    span.end()
  }
}

function fail(span: Span, err: unknown): void {
  span.setStatus({ code: SpanStatusCode.ERROR, message: err instanceof Error ? err.name : 'error' })
}
