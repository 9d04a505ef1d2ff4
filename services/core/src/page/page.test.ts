import { describe, expect, it } from 'vitest'
import { onboardPage, problemPage } from './index.ts'

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
