// node tag-watcher.mjs <credentials file> services | tags <repository> | watch <journal> | refused <repository>
import { appendFile, readFile } from 'node:fs/promises'
import { refusals } from './refused.mjs'
import { connectSuite } from './suite.mjs'

const COMMANDS = { services, tags, watch, refused }
const [credentialsFile, command, argument] = process.argv.slice(2)

/** One JSON object on each line, for whoever reads us. */
function say(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}

/** Who is there and what each answers, one line for each replica. */
async function services({ connection }) {
  for await (const { name, version, endpoints } of await connection.services.client().info()) {
    say({ service: name, version, subjects: endpoints.map((endpoint) => endpoint.subject) })
  }
}

/** Every tag of a repository, page by page. */
async function tags({ ask, tokenFor }, repository) {
  const token = await tokenFor(repository)
  let last
  do {
    const page = await ask('svc.registry.v1.tag.list', { repository, last, limit: 100 }, { token })
    for (const { name, digest, sizeBytes } of page.tags) say({ tag: name, digest, sizeBytes })
    last = page.next
  } while (last !== undefined)
}

/**
 * Every push, each once: those made while we were away wait in the durable consumer, and one that is handed out twice
 * (we died before we acknowledged it) is known by its id. Its line in the journal is both: the work and the record
 * that it has been done.
 */
async function watch({ connection, consumer }, journal) {
  const text = await readFile(journal, 'utf8').catch(() => '')
  const done = new Set(text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line).id])))
  const durable = await connection.jetstream({ checkAPI: false }).consumers.get(consumer.stream, consumer.name)
  const messages = await durable.consume({ max_messages: 100 })
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => messages.close())
  say({ watching: consumer.name })
  for await (const message of messages) {
    const { id, data, requestId } = message.json()
    const push = { id, pushed: data.repository, digest: data.digest, tags: data.tags, requestId }
    if (!done.has(id)) {
      await appendFile(journal, `${JSON.stringify(push)}\n`)
      done.add(id)
      say(push)
    }
    message.ack()
  }
}

/** What we were not given, tried out. */
async function refused(suite, repository) {
  for await (const attempt of refusals(suite, repository)) {
    say(attempt)
    if (!attempt.refused) process.exitCode = 1
  }
}

const needsArgument = command !== 'services'
if (!credentialsFile || !Object.hasOwn(COMMANDS, command ?? '') || (needsArgument && !argument)) {
  process.stderr.write('tag-watcher <credentials file> services | tags <repo> | watch <journal> | refused <repo>\n')
  process.exit(2)
}
const suite = await connectSuite(credentialsFile)
try {
  await COMMANDS[command](suite, argument)
} catch (err) {
  process.stderr.write(`tag-watcher: ${err.code ?? err.name}: ${err.message}\n`)
  process.exitCode = 1
} finally {
  await suite.connection.drain()
}
