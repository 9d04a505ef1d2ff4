import { createServer } from 'node:http'
import { listen, silentLogger } from '@berth/runtime'
import express from 'express'
import { expect, it } from 'vitest'
import { setCaller } from '../http/index.ts'
import { oidcPingRoutes } from './ping-routes.ts'

it('a ping logs where it went, and no password somebody wrote into the address', async () => {
  const logged: unknown[] = []
  const log = { ...silentLogger, warn: (...line: unknown[]) => void logged.push(line) }
  const app = express()
  app.use(express.json(), (_req, res, next) => {
    setCaller(res, { kind: 'user', id: 1, name: 'admin', admin: true })
    next()
  })
  app.use(
    oidcPingRoutes(() => () => Promise.reject(new Error('away')), log),
    (_err: unknown, _req: express.Request, res: express.Response, _next: express.NextFunction) => res.status(400).end(),
  )
  const { port, close } = await listen(createServer(app), { host: '127.0.0.1', port: 0 })
  const ping = (url: string) =>
    fetch(`http://127.0.0.1:${port}/system/oidc/ping`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ url }),
    })
  for (const url of ['https://ann:Secret-1@id.example', 'https://id.example/?key=Secret-2', 'no address Secret-3']) {
    expect((await ping(url)).status).toBe(400)
  }
  await close()
  expect(logged).toHaveLength(3)
  expect(JSON.stringify(logged)).toContain('id.example')
  expect(JSON.stringify(logged)).not.toContain('Secret')
})
