/**
 * Tries what a program outside is not given and says how each attempt ended: the server refuses subjects, and a
 * service refuses content its caller's token does not cover.
 */
export async function* refusals({ connection, consumer, ask, tokenFor }, repository) {
  const asked = [
    ['svc.registry.v1.project.close', { id: 1, requireEmpty: false, revision: 1 }],
    ['svc.token.v1.person.issue', { name: 'admin', kind: 'user', id: 1, admin: true, access: [] }],
    ['event.artifact.pushed', {}],
    ['log.registry.info', {}],
    ['$KV.settings.token_expiration_minutes', 1],
    ['$JS.API.STREAM.PURGE.EVENTS', {}],
    ['$JS.API.CONSUMER.INFO.EVENTS.registry-projects', {}],
    [`$JS.API.CONSUMER.CREATE.EVENTS.${consumer?.name ?? 'mine'}_2`, {}],
  ]
  for (const [subject, request] of asked) {
    yield { attempt: `publish ${subject}`, ...(await outcome(() => ask(subject, request, { timeoutMs: 1_000 }))) }
  }
  for (const subject of ['svc.registry.v1.tag.list', 'event.>', 'log.>', '_INBOX_core.>', '>']) {
    yield { attempt: `subscribe ${subject}`, ...(await outcome(() => listen(connection, subject))) }
  }
  const list = async () =>
    ask('svc.registry.v1.tag.list', { repository, limit: 1 }, { token: await tokenFor(repository) })
  yield { attempt: `tags of ${repository}`, ...(await outcome(list)) }
}

/** By the server, and by a service; anything else that goes wrong is no refusal. */
const REFUSALS = ['PERMISSIONS_VIOLATION', 'UNAUTHORIZED', 'FORBIDDEN', 'DENIED', 'NOT_FOUND', 'NAME_UNKNOWN']

async function outcome(attempt) {
  try {
    await attempt()
    return { refused: false }
  } catch (err) {
    return { refused: REFUSALS.includes(err.code), because: err.code ?? err.message }
  }
}

/** Resolves when the server has had time to refuse and did not. */
function listen(connection, subject) {
  return new Promise((resolve, reject) => {
    connection.subscribe(subject, { callback: (err) => (err ? reject(err) : resolve()) })
    connection.flush().then(resolve, reject)
  })
}
