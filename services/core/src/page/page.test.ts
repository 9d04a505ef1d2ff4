import { createContext, runInContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { ONBOARD_SCRIPT, onboardPage, problemPage } from './index.ts'

const ATTACK = `"><script>alert('1')</script>\``

describe('pages', () => {
  it('show what people and providers said as text (security case 15)', () => {
    const facts = { username: ATTACK, returnTo: ATTACK, csrfToken: ATTACK }
    for (const html of [onboardPage(facts), problemPage({ message: ATTACK })]) {
      expect(html).not.toContain(ATTACK)
      expect(html).not.toContain('<script>')
      expect(html).toContain('&#34;&#62;&#60;script&#62;alert(&#39;1&#39;)&#60;/script&#62;&#96;')
    }
  })

  it('run no script and no style of their own, which the policy would forbid', () => {
    const html = onboardPage({ username: 'ann', returnTo: '/', csrfToken: 't' })
    expect(html.match(/<script[^>]*>/g)).toEqual(['<script src="/c/oidc/onboard.js">'])
    expect(html).not.toMatch(/<style|\sstyle=|\son[a-z]+=/)
    expect(html).toContain('<label for="username">')
  })
})

describe('the script of the page where a name is chosen', () => {
  function setUp(answer: { ok: boolean; json?: () => Promise<unknown> }) {
    const submit: ((event: { preventDefault(): void }) => Promise<void>)[] = []
    const button = { disabled: false }
    const problem = { textContent: '' }
    const form = {
      dataset: { csrfToken: 'the-token', returnTo: '/harbor' },
      elements: { username: { value: 'ann' } },
      querySelector: () => button,
      addEventListener: (_type: string, listener: (typeof submit)[number]) => void submit.push(listener),
    }
    const sent: unknown[] = []
    const went: string[] = []
    const page = createContext({
      document: { getElementById: (id: string) => (id === 'onboard' ? form : problem) },
      location: { assign: (path: string) => void went.push(path) },
      fetch: async (...args: unknown[]) => {
        sent.push(...args)
        return answer
      },
    })
    runInContext(ONBOARD_SCRIPT, page)
    return { submit: () => submit[0]?.({ preventDefault: () => undefined }), problem, button, sent, went }
  }

  it('sends the name with the token and goes where it began', async () => {
    const { submit, sent, went } = setUp({ ok: true })
    await submit()
    expect(sent).toEqual([
      '/c/oidc/onboard',
      {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'X-Harbor-CSRF-Token': 'the-token' },
        body: '{"username":"ann"}',
      },
    ])
    expect(went).toEqual(['/harbor'])
  })

  it('shows what is wrong and lets another name be tried', async () => {
    const body = { errors: [{ code: 'CONFLICT', message: 'the user name is taken by somebody else' }] }
    const { submit, problem, button, went } = setUp({ ok: false, json: async () => body })
    await submit()
    expect([problem.textContent, button.disabled, went]).toEqual([body.errors[0]?.message, false, []])
  })
})
