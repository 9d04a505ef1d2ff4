import { once } from 'node:events'
import { Agent, get, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { ask, openTrial, until } from './trial/index.ts'

describe('stopping', () => {
  it('lets running transfers end whole, and closes their connections', async () => {
    const trial = await openTrial()
    const answers: ServerResponse[] = []
    trial.registry[0]?.answer((_req, res) => {
      res.writeHead(200, { 'content-length': '8' }).write('half')
      answers.push(res)
    })
    const agent = new Agent({ keepAlive: true })
    const download = get(`${trial.url}/v2/a/b/blobs/x`, { agent })
    const [response] = (await once(download, 'response')) as [IncomingMessage]
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => chunks.push(chunk))
    const ended = once(response, 'end')
    await until(() => expect(answers).toHaveLength(1))

    const stopped = trial.life.stop()
    await new Promise((resolve) => setTimeout(resolve, 400))
    await expect(ask(`${trial.url}/v2/`)).rejects.toThrow('ECONNREFUSED')
    answers[0]?.end('done')
    await ended
    expect(Buffer.concat(chunks).toString()).toBe('halfdone')
    await stopped
    agent.destroy()
  })

  it('answers what was waiting with its own answer and asks the client to close', async () => {
    const trial = await openTrial()
    const waiting: ServerResponse[] = []
    trial.core[0]?.answer((_req, res) => void waiting.push(res))
    const agent = new Agent({ keepAlive: true })
    const answers = [1, 2, 3].map(() => ask(`${trial.url}/api/v2.0/projects`, { agent }))
    await until(() => expect(waiting).toHaveLength(3))
    const stopped = trial.life.stop()
    await new Promise((resolve) => setTimeout(resolve, 50))
    for (const res of waiting) res.end('late')
    for (const { status, body, headers } of await Promise.all(answers)) {
      expect([status, body, headers.connection]).toEqual([200, 'late', 'close'])
    }
    await stopped
    agent.destroy()
  })

  it('still answers a request that was on its way on an open connection', async () => {
    const trial = await openTrial()
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    await ask(`${trial.url}/v2/`, { agent })
    const stopped = trial.life.stop()
    const answer = await ask(`${trial.url}/v2/`, { agent })
    expect([answer.status, answer.headers.connection]).toEqual([200, 'close'])
    await stopped
    agent.destroy()
  })

  it('does not wait for connections on which nothing was asked', async () => {
    const trial = await openTrial()
    const socket = connect(trial.gateway.port, '127.0.0.1')
    await once(socket, 'connect')
    const closed = once(socket, 'close')
    await trial.life.stop()
    await closed
  })
})
