import { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { contextOf, currentContext, type WorkContext, withContext } from './context.ts'

/** A span that is not over yet; what is done for it runs in `context`, and carries it on. */
export interface OpenSpan {
  readonly context: WorkContext
  end(err?: unknown): void
}

let isTracing = false

/** From now on spans are kept; before, nothing of them costs anything. */
export function keepSpans(): void {
  isTracing = true
}

/** Begins a span below the trace of `here`, or with `isRoot` a trace of its own; the request id stays. */
export function beginSpan(
  name: string,
  kind: keyof typeof SpanKind,
  here: WorkContext,
  options: { isRoot?: boolean } = {},
): OpenSpan {
  if (!isTracing) return { context: here, end: () => undefined }
  const parent = options.isRoot ? ROOT_CONTEXT : propagation.extract(ROOT_CONTEXT, { traceparent: here.traceparent })
  const span = trace.getTracer('berth').startSpan(name, { kind: SpanKind[kind] }, parent)
  const carrier: { traceparent?: string } = {}
  propagation.inject(trace.setSpan(context.active(), span), carrier)
  return {
    context: contextOf({ ...here, traceparent: carrier.traceparent }),
    end: (err) => {
      if (err !== undefined) {
        span.setStatus({ code: SpanStatusCode.ERROR, message: err instanceof Error ? err.name : 'error' })
      }
      span.end()
    },
  }
}

/** Does the work inside a span that hangs below whatever trace we are in. */
export async function withSpan<T>(name: string, kind: keyof typeof SpanKind, work: () => Promise<T>): Promise<T> {
  if (!isTracing) return work()
  const here = currentContext()
  const span = beginSpan(name, kind, here ?? contextOf({}), { isRoot: here === undefined })
  try {
    const result = await withContext(span.context, work)
    span.end()
    return result
  } catch (err) {
    span.end(err)
    throw err
  }
}
