import { berthDocument, harborDocument } from '@berth/api'
import { NotFound } from '@berth/errors'
import { expressErrors, type Logger } from '@berth/runtime'
import express, { type Express, type RequestHandler, type Router } from 'express'
import helmet from 'helmet'
import type { FailedChanges } from './audit/index.ts'
import { leftOutRoutes } from './content/index.ts'
import { csrfProtection, noZeroBytes, refuseZeroBytes, translateErrors, validated } from './http/index.ts'
import { pageRoutes } from './system/index.ts'

export interface AppDeps {
  log: Logger
  csrfSecret: string
  externalUrl?: string
  authenticate: RequestHandler
  /** Records changes that were refused. */
  audited: FailedChanges
  /** Refuses changes while nothing may be changed. */
  readOnly: RequestHandler
  /** `/c/*`, `/api/internal/*` and pages. */
  browser: readonly Router[]
  /** Below `/api/v2.0`. */
  harbor: readonly Router[]
  /** Below `/api/berth/v1`. */
  berth: readonly Router[]
  /** Checks answers by the documents too. */
  checkAnswers?: boolean
}

/** Everything between the listener and the features; does not listen. */
export function createApp(deps: AppDeps): Express {
  const { log, csrfSecret, externalUrl, authenticate, audited, readOnly, browser, harbor, berth } = deps
  const { checkAnswers = false } = deps
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.set('query parser', 'simple')
  app.use(securityHeaders())
  app.use(refuseZeroBytes)
  app.use(csrfProtection({ secret: csrfSecret, externalUrl }))
  app.use(pageRoutes())
  app.use(authenticate)
  app.use(audited.answered)
  app.use(readOnly)
  app.use(...browser)
  app.use(express.json({ limit: '256kb', reviver: noZeroBytes }))
  app.use('/api/v2.0', leftOutRoutes(), validated(harborDocument, { answers: checkAnswers }), ...harbor)
  app.use('/api/berth/v1', validated(berthDocument, { answers: checkAnswers }), ...berth)
  app.use(() => {
    throw new NotFound('no such path')
  })
  app.use(translateErrors)
  app.use(audited.unheard)
  app.use(expressErrors(log))
  return app
}

/** Pages run our own scripts and styles only; nobody frames them and nothing is loaded from elsewhere. */
function securityHeaders(): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        connectSrc: ["'self'"],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    // Whether this host is ever to be reached without TLS is the gateway's to say.
    strictTransportSecurity: false,
    xFrameOptions: { action: 'deny' },
  })
}
